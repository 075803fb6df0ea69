"""The face of the ledger: everything that may be imported from outside. Without Django."""

from ledger.credits import commands
from ledger.credits.amounts import MICROS_PER_CREDIT, PPM, decimal_of, micros_of
from ledger.credits.approvals import Approval, ApprovalState
from ledger.credits.errors import AlreadyDecided, InsufficientCredits, UnknownAgent
from ledger.credits.karma import BreakerChange, KarmaClient
from ledger.credits.karma_reading import KarmaReading
from ledger.engine.canonical import canonical_bytes, digest_of
from ledger.engine.env import OsEnv
from ledger.engine.errors import (
    Conflict,
    DurabilityUnknown,
    IdempotencyMismatch,
    JournalFull,
    LedgerError,
    NotWritten,
    Rejected,
)
from ledger.engine.event import Event
from ledger.engine.messages import gettext_noop

__all__ = [
    "MICROS_PER_CREDIT",
    "PPM",
    "AlreadyDecided",
    "Approval",
    "ApprovalState",
    "BreakerChange",
    "Conflict",
    "DurabilityUnknown",
    "Event",
    "IdempotencyMismatch",
    "InsufficientCredits",
    "JournalFull",
    "KarmaClient",
    "KarmaReading",
    "LedgerError",
    "NotWritten",
    "OsEnv",
    "Rejected",
    "UnknownAgent",
    "canonical_bytes",
    "commands",
    "decimal_of",
    "digest_of",
    "gettext_noop",
    "micros_of",
]

"""The face of the ledger: everything that may be imported from outside. Without Django."""

from ledger.credits import commands
from ledger.credits.amounts import MICROS_PER_CREDIT, PPM, decimal_of, micros_of
from ledger.credits.answers import Answer
from ledger.credits.approvals import Approval, ApprovalState
from ledger.credits.eoc import EocReading
from ledger.credits.errors import AlreadyDecided, InsufficientCredits, UnknownAgent
from ledger.credits.invariants import check as check_invariants
from ledger.credits.karma import BreakerChange, KarmaClient
from ledger.credits.karma_reading import KarmaReading
from ledger.credits.ledger import Ledger
from ledger.credits.legacy import LegacyReport, import_legacy
from ledger.credits.schemas import Schemas
from ledger.credits.snapshots import take_snapshot
from ledger.engine.canonical import canonical_bytes, digest_of
from ledger.engine.copying import copy_journal
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
from ledger.engine.event import Command, Event, NewEvent
from ledger.engine.journal import Journal
from ledger.engine.messages import gettext_noop
from ledger.proof.checkpoints import KeptCheckpoints
from ledger.proof.history import durable_head, verify_history
from ledger.proof.verification import verify

__all__ = [
    "MICROS_PER_CREDIT",
    "PPM",
    "AlreadyDecided",
    "Answer",
    "Approval",
    "ApprovalState",
    "BreakerChange",
    "Command",
    "Conflict",
    "DurabilityUnknown",
    "EocReading",
    "Event",
    "IdempotencyMismatch",
    "InsufficientCredits",
    "Journal",
    "JournalFull",
    "KarmaClient",
    "KarmaReading",
    "KeptCheckpoints",
    "Ledger",
    "LedgerError",
    "LegacyReport",
    "NewEvent",
    "NotWritten",
    "OsEnv",
    "Rejected",
    "Schemas",
    "UnknownAgent",
    "canonical_bytes",
    "check_invariants",
    "commands",
    "copy_journal",
    "decimal_of",
    "digest_of",
    "durable_head",
    "gettext_noop",
    "import_legacy",
    "micros_of",
    "take_snapshot",
    "verify",
    "verify_history",
]

"""The audit chain once more, outside of the database: every entry is relayed to a journal of the ledger's engine.

Whoever edits the chain with SQL would have to forge this journal too, and it has a chain and a durable mark of its
own. `relay` runs after each commit that appended an entry, before the answer goes out; what it could not write it
writes next time, because it always goes on after the last entry that the journal holds.

The journal is begun once, and an entry of the chain names its id. So a journal that was taken away or exchanged is
not silently made anew: relaying fails, and says so, until `begin` is told a reason.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from console.kernel import audit
from console.kernel.errors import GatehouseError
from console.kernel.models import AuditEntry
from ledger import Command, Event, Journal, LedgerError, NewEvent, Schemas, digest_of, gettext_noop

ACT_BEGUN = "governance_journal.begun"
EVENT = "audit.recorded"
STREAM = "audit"
SCHEMAS = Schemas({EVENT: 1})
GENESIS = "0" * 64
SEGMENT_BYTES = 4 * 2**20
RELAY_TAKES = timedelta(seconds=10)
"""Between the commit of an entry and its event another process may look: that long, nothing is wrong yet."""
_ENTRIES_AT_ONCE = 200
_FINGERPRINT_DIGITS = 32

log = logging.getLogger(__name__)


class RelayFailed(GatehouseError):
    """The chain in the database and the governance journal do not fit together."""

    code = "relay-failed"
    message = gettext_noop("The governance journal does not follow the audit chain: %(reason)s")
    words = ("reason",)


MISSING = gettext_noop("the journal is gone.")
EXCHANGED = gettext_noop("it is another journal than the one that was begun.")
CUT = gettext_noop("the last entry it holds is missing in the database.")
REWRITTEN = gettext_noop("the last entry it holds is another one in the database.")
UNREADABLE = gettext_noop("it is damaged and can only be read.")


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayState:
    """How far the journal has followed the chain, and what keeps it from following.

    is_late: an entry waits for longer than a relay takes.
    """

    is_begun: bool
    relayed: int
    head: int
    is_late: bool = False
    failure: GatehouseError | LedgerError | OSError | None = None

    @property
    def pending(self) -> int:
        """How many entries of the chain are not in the journal."""
        return self.head - self.relayed if self.is_begun else 0

    @property
    def is_behind(self) -> bool:
        """Whether somebody should look."""
        return self.failure is not None or self.is_late


class _Trail:
    """What is folded from the journal: the last entry it holds."""

    index, hash = 0, GENESIS

    def reset(self) -> None:
        self.index, self.hash = 0, GENESIS

    def apply(self, event: Event) -> None:
        data = SCHEMAS.current(event).data
        if event.type == EVENT:
            self.index, self.hash = data["index"], data["hash"]

    def digest(self) -> str:
        return digest_of({"index": self.index, "hash": self.hash})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    journal: Journal
    trail: _Trail
    facts: tuple[Path, int]  # the path and the inode of its journal.json: another inode is another journal


_lock = threading.RLock()
_opened: _Opened | None = None
_last_failure: GatehouseError | LedgerError | OSError | None = None


def directory() -> Path:
    """Where the journal is."""
    return Path(settings.STORAGE) / "events" / "governance"


def begun_id() -> str:
    """The id of the journal that the chain says was begun last; empty before the first."""
    begun = AuditEntry.objects.filter(act=ACT_BEGUN, outcome="done").order_by("-index")
    after = begun.values_list("after", flat=True).first()
    return str(json.loads(after)["journal"]) if after else ""


def id_in_place() -> str:
    """The id of the journal that is in the directory, as its journal.json says; empty without one."""
    try:
        return str(json.loads((directory() / "journal.json").read_bytes())["journal_id"])
    except (OSError, ValueError, KeyError):
        return ""


def begin(*, reason: str = "") -> None:
    """Make the journal if none was ever begun, and bring it up to the chain.

    With a `reason` a new one is begun instead of the old one, which is set aside and not deleted; the new one gets the
    chain from its first entry on. Raises what the ledger's engine raises, and OSError.
    """
    with _lock:
        begun = begun_id()
        if begun and not reason:
            relay()
            return
        close()
        if begun and directory().exists():
            directory().rename(directory().with_name(f"governance-until-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"))
        journal_id = _open().journal.status.journal_id
        after = {"journal": journal_id} | ({"instead_of": begun, "reason": reason} if begun else {})
        with transaction.atomic():
            audit.record(actor=None, act=ACT_BEGUN, object="journal:governance", after=after)
        relay()


def relay() -> None:
    """Write what the journal does not hold yet. Never refuses: a failure is logged and shows in `state`."""
    global _last_failure
    try:
        with _lock:
            _follow()
        _last_failure = None
    except (GatehouseError, LedgerError, OSError) as failure:
        _last_failure = failure
        log.error("%s", failure)


def state() -> RelayState:
    """How far the journal is, as chain and journal are now; writes nothing."""
    head = AuditEntry.objects.order_by("-index").values_list("index", flat=True).first() or 0
    begun = begun_id()
    if not begun:
        return RelayState(is_begun=False, relayed=0, head=head)
    try:
        with _lock:
            index, last_hash = _last(_usable(begun))
            _require_same(index=index, last_hash=last_hash)
    except (GatehouseError, LedgerError, OSError) as failure:
        return RelayState(is_begun=True, relayed=0, head=head, failure=failure)
    is_late = AuditEntry.objects.filter(index=index + 1, at__lt=timezone.now() - RELAY_TAKES).exists()
    return RelayState(
        is_begun=True, relayed=index, head=head, is_late=is_late, failure=_last_failure if index < head else None
    )


def is_governance(path: Path) -> bool:
    """Whether that is its directory, or one that was set aside for a new one."""
    return path.absolute().parent == directory().parent and path.name.partition("-until-")[0] == directory().name


def open_at(path: Path, *, read_only: bool = False) -> Journal:
    """A governance journal by itself, for whoever examines or mends one. Raises as `Journal.open`."""
    return Journal.open(path=path, state=_Trail(), segment_bytes=SEGMENT_BYTES, read_only=read_only)


def seal() -> None:
    """Seal its active segment, for whoever looks after its age; nothing stays open. Does nothing before it is begun.

    That stands in the journal itself and nowhere else: an entry of the trail would be the first one of the next
    segment, and that would be sealed a day later in its turn, for ever. Raises RelayFailed, what `Journal.seal` raises.
    """
    with _lock:
        begun = begun_id()
        if not begun:
            return
        try:
            _usable(begun).journal.seal()
        finally:
            close()


def close() -> None:
    """Give the journal's files back; the next use opens it again."""
    global _opened
    with _lock:
        if _opened is not None:
            _opened.journal.close()
            _opened = None


def content_of(entry: AuditEntry) -> dict[str, Any]:
    """An entry as the journal holds it."""
    return {
        "index": entry.index,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "actor_name": entry.actor_name,
        "via": entry.via,
        "act": entry.act,
        "object": entry.object,
        "outcome": str(entry.outcome),
        "code": entry.code,
        "before": entry.before,
        "after": entry.after,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def _follow() -> None:
    begun = begun_id()
    if not begun:
        return
    opened = _usable(begun)
    while True:
        index, last_hash = _last(opened)
        _require_same(index=index, last_hash=last_hash)
        entries = AuditEntry.objects.filter(index__gt=index).order_by("index")[:_ENTRIES_AT_ONCE]
        if not entries:
            return
        for entry in entries:
            opened.journal.execute(_command(entry))


def _command(entry: AuditEntry) -> Command:
    """Idempotent by index: a second process that relays the same entry gets the first answer."""
    key = f"audit:{entry.index}"
    event = NewEvent(stream=STREAM, type=EVENT, data=content_of(entry))
    return Command(
        key=key,
        fingerprint=entry.hash[:_FINGERPRINT_DIGITS],
        actor=entry.actor,
        correlation=key,
        decide=lambda: [event],
        expected=(STREAM, entry.index - 1),
    )


def _require_same(*, index: int, last_hash: str) -> None:
    """Refuse to go on after an entry that the database no longer has, or has otherwise."""
    if index == 0:
        return
    known = AuditEntry.objects.filter(index=index).values_list("hash", flat=True).first()
    if known != last_hash:
        raise RelayFailed(reason=REWRITTEN if known else CUT)


def _usable(begun: str) -> _Opened:
    """The journal that was begun, open. Raises `RelayFailed` when it is not there, or not to be written."""
    facts = directory() / "journal.json"
    if not facts.exists():
        close()
        raise RelayFailed(reason=MISSING)
    opened = _opened
    if opened is None or opened.facts != (facts, facts.stat().st_ino):
        close()
        opened = _open()
    status = opened.journal.status
    if status.journal_id != begun:
        close()
        raise RelayFailed(reason=EXCHANGED)
    if status.state != "normal":
        raise RelayFailed(reason=UNREADABLE)
    return opened


def _open() -> _Opened:
    global _opened
    trail = _Trail()
    journal = Journal.open(path=directory(), state=trail, segment_bytes=SEGMENT_BYTES)
    facts = directory() / "journal.json"
    _opened = _Opened(journal=journal, trail=trail, facts=(facts, facts.stat().st_ino))
    return _opened


def _last(opened: _Opened) -> tuple[int, str]:
    return opened.journal.query(lambda: (opened.trail.index, opened.trail.hash))

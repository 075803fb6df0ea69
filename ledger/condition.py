"""How a journal is, said without raising: for pages, health and metrics, which have to be able to say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext

from ledger import KeptCheckpoints, Ledger, LedgerError, OsEnv, gettext_noop
from ledger.actions import JournalExchanged, live_is_in_place, live_ledger, live_watch
from ledger.conf import events_directory, live_journal
from ledger.degradation import Cause, Finding, Level, State
from ledger.doctor.examination import wrong_mark
from ledger.engine import limits
from ledger.engine.layout import Layout
from ledger.engine.segment import fill_bytes, full_error
from ledger.proof.checkpoints import claimed_checkpoint
from ledger.proof.errors import HistoryCut
from ledger.proof.history import difference_from, durable_mark
from ledger.subscriptions import Hold, stuck
from ledger.translation import translated
from ledger.verifying.starting import began_after, standing_of

_DISK = gettext_noop("%(count)s %% of the disk is used. Free space; that ends by itself.")
_MEMORY = gettext_noop("%(count)s %% of the machine's memory is in use.")
_BACKLOG = gettext_noop("A subscriber of the journal is %(count)s events behind: ledger subscriptions says which one.")
_PARKED = gettext_noop(
    "The subscription %(name)s has parked %(stream)s since %(since)s, from event %(seq)s on: %(why)s. Nothing is lost, "
    "and streams that are not parked go on; parked are %(count)s. Mend the receiver, then: manage.py ledger "
    "subscriptions --unpark %(name)s %(stream)s"
)
_LOST_PLACE = gettext_noop(
    "The position of the subscription %(name)s is damaged: nobody can say what was delivered. manage.py ledger "
    "subscriptions says how it goes on."
)
_FAULTS = gettext_noop(
    "The verification of %(at)s found faults in the files: its page says what happened, what is safe and what can be "
    "done. Verify again after a repair."
)
_SENTENCES = {
    (Cause.LATENCY, Level.WARNING): gettext_noop(
        "%(count)s of %(total)s writes in half a minute took longer than 0.1 s, the slowest %(worst)s s."
    ),
    (Cause.LATENCY, Level.CRITICAL): gettext_noop(
        "%(count)s of %(total)s writes in half a minute took longer than a second, the slowest %(worst)s s."
    ),
    (Cause.ERRORS, Level.WARNING): gettext_noop("%(count)s of %(total)s writes in half a minute failed."),
    (Cause.ERRORS, Level.CRITICAL): gettext_noop("%(count)s of %(total)s writes in half a minute failed."),
    (Cause.DISK, Level.WARNING): _DISK,
    (Cause.DISK, Level.CRITICAL): _DISK,
    (Cause.MEMORY, Level.WARNING): _MEMORY,
    (Cause.MEMORY, Level.CRITICAL): _MEMORY,
    (Cause.BACKLOG, Level.WARNING): _BACKLOG,
    (Cause.BACKLOG, Level.CRITICAL): _BACKLOG,
    (Cause.DAMAGE, Level.WARNING): gettext_noop("The journal was damaged, and a verification found it sound again."),
    (Cause.DAMAGE, Level.CRITICAL): gettext_noop(
        "Damage was found in the files of the journal. Repair it as its verification or manage.py ledger doctor says, "
        "then verify it: found sound, an engineer can let it be written again."
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """How a journal is, and why: normal, imported, degraded, read_only, poisoned or unreadable.

    `is_stopped`: it takes no orders until an engineer says so, since `since`. `is_damaged`: and before that, a
    verification has to find it sound. `is_exchanged`: another directory stands in its place, so that nothing is written
    until a restart. `is_full`: no order is taken while the disk has no room.
    """

    state: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    since: datetime | None = None
    is_stopped: bool = False
    is_damaged: bool = False
    is_exchanged: bool = False
    is_full: bool = False

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look at it."""
        return self.state not in ("normal", "imported") or bool(self.warnings)

    @property
    def takes_orders(self) -> bool:
        """Whether credits can be moved."""
        return self.state in ("normal", "degraded") and not self.is_full

    @property
    def can_be_left(self) -> bool:
        """Whether an engineer may let it be written again, without a repair before."""
        return (self.is_stopped and not self.is_damaged) or self.state == "poisoned"

    @property
    def is_readable(self) -> bool:
        """Whether its events and balances can be shown."""
        return self.state != "unreadable"


def condition_of(opening: Callable[[], Ledger], *, is_import: bool = False) -> Condition:
    """How the journal is now, after taking in what others wrote."""
    try:
        ledger = opening()
        ledger.journal.query(lambda: None)
        status = ledger.status
    except LedgerError as error:
        return Condition(state="unreadable", reason=gettext(error.message) % error.params)
    except Exception as error:  # noqa: BLE001  # a state may raise anything when it cannot take an event
        return Condition(state="unreadable", reason=repr(error))
    is_archive = is_import and status.state == "read_only" and not status.reason
    return Condition(
        state="imported" if is_archive else status.state,
        reason=translated(status.reason, gettext),
        warnings=tuple(translated(one, gettext) for one in status.warnings),
    )


def live_condition() -> Condition:
    """How the live journal is, and how its disk does; normal before the first start has made it."""
    if not Layout(live_journal()).facts.is_file():
        return Condition(state="normal")
    found = condition_of(live_ledger)
    if not live_is_in_place():
        return replace(found, state="read_only", reason=gettext(JournalExchanged.message), is_exchanged=True)
    warnings = [*_unlike_what_was_signed(is_damaged=found.state == "read_only"), *_found_wrong(), *_stuck()]
    warnings += _wrong_mark() if found.state == "normal" else []
    found = replace(found, warnings=(*found.warnings, *warnings))
    standing = live_watch().standing(is_damaged=found.state == "read_only")
    if found.state != "normal" or standing.state is State.NORMAL:
        return found
    return replace(
        found,
        state=standing.state.value,
        reason=" ".join(map(_said, standing.findings)),
        since=_moment(standing.since),
        is_stopped=standing.state is State.READ_ONLY,
        is_damaged=standing.is_damaged,
        is_full=_is_full(),
    )


def _is_full() -> bool:
    try:
        return disk_room().is_blocked
    except OSError:
        return False


def _unlike_what_was_signed(*, is_damaged: bool) -> list[str]:
    """What the newest checkpoint says otherwise than the journal as it is now; nothing where it cannot be read.

    Behind damage nothing was read, so that the verified part ends earlier says nothing about the rest.
    """
    try:
        note = KeptCheckpoints(live_journal()).newest()
        if note is None:
            return []
        ledger, checkpoint = live_ledger(), claimed_checkpoint(note)
        head = ledger.head
        found = ledger.journal.get(seq=checkpoint.size).hash if checkpoint.size <= head.seq else None
        difference = difference_from(checkpoint, journal_id=ledger.status.journal_id, head=head, found=found)
    except (LedgerError, OSError):
        return []
    if difference is None or (is_damaged and isinstance(difference, HistoryCut)):
        return []
    return [gettext(difference.message) % difference.params]


def _wrong_mark() -> list[str]:
    """That what proves the end of the journal is gone, or one of its two slots is, until an order writes it anew."""
    try:
        found = wrong_mark(OsEnv(), Layout(live_journal()), seq=live_ledger().head.seq)
    except (LedgerError, OSError):
        return []
    return [gettext(one.text) % one.params for one in found]


def _stuck() -> list[str]:
    """Subscriptions that wait for a person: one sentence each, whatever they have parked."""
    try:
        found = list(stuck(path=live_journal()))
    except OSError:
        return []
    return [_said_of_parks(name, holds) if holds else gettext(_LOST_PLACE) % {"name": name} for name, holds in found]


def _said_of_parks(name: str, holds: Mapping[str, Hold]) -> str:
    stream, first = min(holds.items(), key=lambda one: one[1].seq)
    since = _moment(first.since)
    return gettext(_PARKED) % {
        "name": name,
        "stream": stream,
        "seq": number_format(first.seq),
        "since": date_format(localtime(since), "DATETIME_FORMAT") if since is not None else first.since,
        "why": first.reason.rstrip("."),
        "count": number_format(len(holds)),
    }


def _found_wrong() -> list[str]:
    """That the last verification found faults, until another one does not: the files may be damaged behind an open
    journal, which shows only when they are read again."""
    try:
        standing = standing_of(live_journal())
    except OSError:
        return []
    outcome, at = standing.outcome, standing.begun_at
    if outcome is None or outcome.is_sound or at is None or began_after(at):
        return []
    return [gettext(_FAULTS) % {"at": date_format(localtime(at), "DATETIME_FORMAT")}]


def _said(finding: Finding) -> str:
    """What was measured, in the reader's language."""
    return gettext(_SENTENCES[finding.cause, finding.level]) % {
        "count": finding.count,
        "total": finding.total,
        "worst": number_format(finding.worst_micros / 1e6, 1),
    }


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskRoom:
    """The disk of the journals. `is_blocked`: the live one takes no order until there is room; `is_scarce`: soon."""

    size_bytes: int
    free_bytes: int
    used_percent: int
    is_scarce: bool
    is_blocked: bool


def disk_room() -> DiskRoom:
    """How full it is now. Raises OSError."""
    events = events_directory()
    size, free = live_watch().env.disk(events if events.is_dir() else events.parent)
    used = 100 - free * 100 // size
    return DiskRoom(
        size_bytes=size,
        free_bytes=free,
        used_percent=used,
        is_scarce=used >= limits.RESUME_PERCENT,
        is_blocked=used >= limits.RESUME_PERCENT and _refuses_for_room(),
    )


def _refuses_for_room() -> bool:
    """Whether the next order would meet a full disk, as the engine asks it: only when what is filled ahead is used up,
    and between its two marks by what it said last in this process. Raises OSError.
    """
    env, layout = live_watch().env, Layout(live_journal())
    mark = durable_mark(path=layout.path, env=env)
    if mark is None or layout.segment(mark.segment).stat().st_size - mark.offset >= limits.RESERVE_BYTES:
        return False
    try:
        status = live_ledger().status
    except LedgerError:
        return False
    _, free = env.disk(layout.path)
    return free < fill_bytes(status.segment_bytes) or full_error(env, layout, is_full=status.is_full) is not None

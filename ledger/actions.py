"""What the doors may do with the ledger: open the live one, move credits, decide approvals, import and archive."""

from __future__ import annotations

import fcntl
import getpass
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from django.db import DatabaseError, connection, transaction
from django.utils.text import slugify

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import GatehouseError
from console.kernel.known_roles import may_now
from console.kernel.models import AuditEntry, Person
from ledger import (
    Answer,
    Approval,
    ApprovalState,
    KeptCheckpoints,
    Ledger,
    LedgerError,
    LegacyReport,
    commands,
    digest_of,
    gettext_noop,
    import_legacy,
)
from ledger.conf import archive_directory, imports_directory, live_journal, storage_lock
from ledger.credits.errors import ApprovalOverdue, SelfApproval
from ledger.degradation import Watch, memory_of_machine
from ledger.degradation.states import BACKLOG_WARNING
from ledger.engine.errors import Corrupt
from ledger.engine.layout import Layout
from ledger.released import live_snapshots_are_on
from ledger.subscriptions import backlog

Progress = Callable[[int, int], None]
Movement = (
    commands.CreateAgent
    | commands.Consume
    | commands.Refund
    | commands.AddCredits
    | commands.Withdraw
    | commands.Transfer
)
_FOR_A_MISSION = (commands.Consume, commands.Refund)

_opening = threading.Lock()
_live: Ledger | None = None
_live_lock: tuple[int, int] | None = None
_watch: Watch | None = None


class AlreadyImported(GatehouseError):
    """The same file was imported before."""

    code = "already-imported"
    message = gettext_noop("%(source)s was imported already, into %(journal)s.")


class ConsoleRunning(GatehouseError):
    """A console works on this storage."""

    code = "console-running"
    message = gettext_noop("A console works on this storage (%(holder)s). Stop it first.")


class JournalExchanged(LedgerError):
    """Somebody put another directory in the place of the live journal while it was open."""

    code = "journal-exchanged"
    message = gettext_noop(
        "The directory of the live journal was moved away or exchanged while the console runs. Nothing was recorded, "
        "and nothing will be before the console is restarted."
    )


class NoLiveJournal(GatehouseError):
    """There is nothing to take away."""

    code = "no-live-journal"
    message = gettext_noop("There is no live journal at %(path)s.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """An import that is done: what the file said, and the journal it became."""

    report: LegacyReport
    journal: Path


def live_ledger() -> Ledger:
    """The live ledger, opened on first use; one per process, safe to share between its threads."""
    global _live, _live_lock
    with _opening:
        if _live is None:
            watch = _watched()
            _live = Ledger.open(path=live_journal(), takes_snapshots=_wants_snapshots, env=watch.env)
            _live_lock = _lock_in_place()
            watch.start()
        return _live


def live_is_in_place() -> bool:
    """Whether the live ledger still is the one in its directory, and not one that was moved away or exchanged."""
    return _live_lock is None or _live_lock == _lock_in_place()


def live_watch() -> Watch:
    """What watches the live journal in this process: normal, degraded or read-only."""
    with _opening:
        return _watched()


def close_live_ledger() -> None:
    """Give the live ledger's files back; the next use opens it again."""
    global _live, _live_lock, _watch
    with _opening:
        if _watch is not None:
            _watch.stop()
            _watch = None
        if _live is not None:
            _live.close()
            _live = _live_lock = None


@action(Act.DECIDE_LEDGER_APPROVAL, target="approval:{request}")
def decide_ledger_approval(*, actor: Actor, request: str, is_approval: bool, justification: str) -> Approval:
    """Approve or deny a pending approval of the live journal as this person; returns it as it then stands.

    The same decision in the same words is one decision, however often it is sent. Refused are the person who asked for
    it, in person or by a token (SelfApproval), whoever approved before (AlreadyApproved), what has its final state
    (AlreadyDecided), what is overdue (ApprovalOverdue, and the expiry is recorded), a justification that is missing or
    too short (ReasonTooShort), a request nobody made (UnknownApproval), and NotAllowed.
    """
    Person.objects.select_for_update().get(pk=actor.person.pk)  # clicks of one person come one after the other
    ledger = live_ledger()
    _refuse_own(ledger, actor=actor, request=request)
    order = commands.DecideApproval(
        request=request, approver=actor.label, is_approval=is_approval, justification=justification.strip()
    )
    key = f"approval:{digest_of([order.request, order.approver, order.is_approval, order.justification])}"
    correlation = f"approval:{request}"
    try:
        answer = _execute(order, key=key, actor=actor, correlation=correlation)
    except ApprovalOverdue:
        expiry = commands.ExpireApproval(request=request)
        _execute(expiry, key=f"approval-expiry:{request}", actor=actor, correlation=correlation)
        raise
    _record_decision(answer, actor=actor, request=request, key=key)
    return ledger.approval(request)


def move_credits(*, actor: Actor, order: Movement, key: str) -> Answer:
    """Carry out an order on the live journal as this person, once for each key of theirs.

    No row is written: the journal is the record of what was done and of its key, and a refusal by the ledger's rules
    leaves no trace, so the same key may be tried again. Raises NotAllowed and what `Ledger.execute` raises.
    """
    if not may_now(actor=actor, act=Act.MOVE_CREDITS):
        _permit_movement(actor=actor)
    subject = f"mission:{order.mission}" if isinstance(order, _FOR_A_MISSION) and order.mission else _stream_of(order)
    return _execute(order, key=_key_of(actor, key), actor=actor, correlation=subject)


def request_ledger_approval(*, actor: Actor, order: commands.RequestApproval, key: str) -> Answer:
    """Ask for an approval on the live journal as this person, once for each key of theirs; no row is written.

    Raises NotAllowed and what `Ledger.execute` raises.
    """
    if not may_now(actor=actor, act=Act.REQUEST_LEDGER_APPROVAL):
        _permit_request(actor=actor, request=order.request)
    subject = f"approval:{order.request}"
    return _execute(order, key=_key_of(actor, key), actor=actor, correlation=subject)


def is_person_behind(label: str, *, actor: str) -> bool:
    """Whether the actor of a journal (`token:3:user:7`) is this person (`user:7`), directly or by a token."""
    return actor == label or actor.endswith(f":{label}")


def import_journal(*, actor: Actor | None, source: Path, is_strict: bool, progress: Progress | None = None) -> Imported:
    """Import a legacy file into a journal of its own under `events/imports/`, and put that into the audit chain.

    `actor` None is the owner of the shell, who needs no role. The journal is built aside and put in place at the end:
    a refused or killed import leaves none. Raises NotAllowed, AlreadyImported and what `import_legacy` raises.
    """
    if actor is not None:
        _permit_import(actor=actor, source=source)
    try:
        report, target = _build(source=source, actor=actor, is_strict=is_strict, progress=progress)
    except (LedgerError, GatehouseError) as refusal:
        with transaction.atomic():
            audit.record_refusal(
                actor=actor,
                act=Act.IMPORT_JOURNAL.value,
                object=f"journal:{source.name}",
                code=refusal.code,
                after={"message": str(refusal), "by": label_of(actor)},
            )
        raise
    with transaction.atomic():
        audit.record(
            actor=actor,
            act=Act.IMPORT_JOURNAL.value,
            object=f"journal:{target.name}",
            after={
                "by": label_of(actor),
                "digest": report.digest,
                "lines": report.line_count,
                "imported": report.imported_count,
                "faults": len(report.faults),
            },
        )
    return Imported(report=report, journal=target)


def reset_ledger(*, actor: Actor | None) -> Path:
    """Move the live journal into the archive, so that the next use begins an empty one; nothing is deleted.

    Its checkpoints go along.

    Refused while a console works on the storage. Raises NotAllowed, ConsoleRunning, NoLiveJournal.
    """
    if actor is not None:
        _permit_reset(actor=actor)
    close_live_ledger()
    with storage_held():
        layout = Layout(live_journal())
        if not layout.facts.exists():
            raise NoLiveJournal(path=layout.path)
        target = archive_directory() / f"{layout.path.name}-{datetime.now(tz=UTC):%Y%m%dT%H%M%S%f}"
        with transaction.atomic():
            audit.record(
                actor=actor,
                act=Act.REPAIR_JOURNAL.value,
                object="journal:credits",
                after={"by": label_of(actor), "archived_as": target.name},
            )
            target.parent.mkdir(parents=True, exist_ok=True)
            layout.path.rename(target)
            KeptCheckpoints(layout.path).move_to(target)
            layout.shortcut.unlink(missing_ok=True)
    return target


def label_of(actor: Actor | None) -> str:
    """What journals and the trail call whoever acts; without a person it is the owner of the shell."""
    return actor.label if actor is not None else f"cli:{getpass.getuser()}"


def _wants_snapshots() -> bool:
    """Asked after each seal, by a thread of its own, which gives its connection back. No answer is no."""
    try:
        return live_snapshots_are_on()
    except DatabaseError:
        return False
    finally:
        connection.close()


def _lock_in_place() -> tuple[int, int] | None:
    """Which file stands where the journal has its lock, which is never unlinked while it lives."""
    try:
        found = Layout(live_journal()).lock.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _watched() -> Watch:
    global _watch
    if _watch is None:
        path = live_journal()
        _watch = Watch(path=path, memory=memory_of_machine, backlog=partial(backlog, path=path, above=BACKLOG_WARNING))
    return _watch


def _execute(order: commands.CreditCommand, *, key: str, actor: Actor, correlation: str) -> Answer:
    """Every write to the live journal: ReadOnlyNow while that is read-only, also when it is found damaged by this.

    JournalExchanged: what is open here are files that nobody will ever look at again.
    """
    ledger, watch = live_ledger(), live_watch()
    watch.require_writable()
    if not live_is_in_place():
        raise JournalExchanged
    try:
        return ledger.execute(order, key=key, actor=actor.label, correlation=correlation)
    except Corrupt:
        watch.standing(is_damaged=True)
        raise


def _refuse_own(ledger: Ledger, *, actor: Actor, request: str) -> None:
    """Refuse whoever asked: the named requester, and the one whose command it was (the domain compares names only)."""
    pending = next((one for one in ledger.approvals(state=ApprovalState.PENDING) if one.request == request), None)
    if pending is None:
        return
    asked = next(ledger.events(stream=f"approval:{request}", since=pending.requested_at, limit=1))
    if any(is_person_behind(actor.label, actor=name) for name in (pending.requester, asked.actor)):
        raise SelfApproval(approver=str(actor.person), request=request)


def _record_decision(answer: Answer, *, actor: Actor, request: str, key: str) -> None:
    """Put the decision into the audit chain; also when an earlier try wrote the journal and died before this."""
    target = f"approval:{request}"
    entries = AuditEntry.objects.filter(act=Act.DECIDE_LEDGER_APPROVAL.value, object=target, outcome="done")
    if answer.is_repeated and entries.filter(after__contains=key).exists():
        return
    event = answer.events[0]
    audit.record(
        actor=actor,
        act=Act.DECIDE_LEDGER_APPROVAL.value,
        object=target,
        after={
            "decision": event.type,
            "state": answer.approval_state,
            "justification": event.data["justification"],
            "seq": event.seq,
            "key": key,
        },
    )


def _key_of(actor: Actor, key: str) -> str:
    """Keys belong to a person: another one's key is another key, the same person's with another token is the same."""
    return f"api:{actor.person.pk}:{key}"


def _stream_of(order: Movement) -> str:
    return f"agent:{order.payer if isinstance(order, commands.Transfer) else order.agent}"


@action(Act.MOVE_CREDITS, target="journal:credits")
def _permit_movement(*, actor: Actor) -> None:
    """The authority check by the rows of now, and its refusal entry."""


@action(Act.REQUEST_LEDGER_APPROVAL, target="approval:{request}")
def _permit_request(*, actor: Actor, request: str) -> None:
    """The authority check by the rows of now, and its refusal entry."""


@action(Act.IMPORT_JOURNAL, target="journal:{source.name}")
def _permit_import(*, actor: Actor, source: Path) -> None:
    """The authority check and its refusal entry; the work itself takes longer than a transaction should."""


@action(Act.REPAIR_JOURNAL, target="journal:credits")
def _permit_reset(*, actor: Actor) -> None:
    """The authority check and its refusal entry."""


def _build(
    *, source: Path, actor: Actor | None, is_strict: bool, progress: Progress | None
) -> tuple[LegacyReport, Path]:
    """Import aside, then put in place under the file's name and the beginning of its digest."""
    name = slugify(source.stem) or "journal"
    aside = imports_directory() / f".{name}-{os.getpid()}"
    try:
        ledger = Ledger.open(path=aside)
        try:
            report = import_legacy(
                source=source, ledger=ledger, is_strict=is_strict, actor=label_of(actor), progress=progress
            )
        finally:
            ledger.close()
        target = imports_directory() / f"{name}-{report.digest[:12]}"
        if target.exists():
            raise AlreadyImported(source=source, journal=target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        Layout(aside).shortcut.unlink(missing_ok=True)
    return report, target


@contextmanager
def storage_held() -> Iterator[None]:
    """Hold the lock of a running console, so that none runs and none starts meanwhile."""
    descriptor = os.open(storage_lock(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            raise ConsoleRunning(holder=holder) from error
        yield
    finally:
        os.close(descriptor)

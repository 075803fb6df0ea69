"""What an operator does around a journal, each act in the audit trail: subscriptions, seals, repairs, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.db import transaction

from console.kernel import audit, governance_journal
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from ledger import Event, Ledger
from ledger.actions import (
    JournalExchanged,
    close_live_ledger,
    label_of,
    live_is_in_place,
    live_ledger,
    live_watch,
    storage_held,
)
from ledger.conf import live_journal
from ledger.credits.texts import require_reason
from ledger.degradation import NotReadOnly, SoundnessUnknown, State
from ledger.degradation.errors import StillDamaged
from ledger.doctor.kinds import RepairKind
from ledger.doctor.repairing import CREDITS, Repaired, Rules, carry_out
from ledger.engine.segment import SEALED
from ledger.proof.checkpoints import Checkpoint
from ledger.subscriptions import reset, unpark
from ledger.subscriptions.record import Hold, Record

ACT_SEALED = "journal.seal"
BY_AGE = "system:age"
_GOVERNANCE = Rules(frozenset({governance_journal.EVENT.partition(".")[0]}), governance_journal.open_at)


def unpark_stream(*, actor: Actor | None, journal: Path, name: str, stream: str) -> Hold:
    """Let a subscription go on with a stream it parked; returns how it was held.

    `actor` None is the owner of the shell, who needs no role. Raises NotAllowed and what `unpark` raises.
    """
    target = _object(journal, name)
    if actor is not None:
        _permit_steering(actor=actor, target=target)
    with transaction.atomic():
        hold = unpark(path=journal, name=name, stream=stream)
        _record(actor, target, {"stream": stream, "seq": hold.seq, "unparked": hold.reason})
    return hold


def reset_subscription(*, actor: Actor | None, journal: Path, name: str, to: int) -> Record | None:
    """Let a subscription go on behind event `to`; returns where it was, None when that was damaged.

    Raises NotAllowed and what `reset` raises.
    """
    target = _object(journal, name)
    if actor is not None:
        _permit_steering(actor=actor, target=target)
    ledger = Ledger.open(path=journal, read_only=True)
    try:
        with transaction.atomic():
            before = reset(ledger.journal, path=journal, name=name, to=to)
            known = {} if before is None else {"from": before.position, "parks": len(before.holds)}
            _record(actor, target, {"to": to, **known})
    finally:
        ledger.close()
    return before


def seal_live_journal(*, by: str) -> Event | None:
    """Seal the active segment of the live journal beside whoever writes; None when it holds no event yet.

    `by`: the label of who asked, or BY_AGE. Raises ReadOnlyNow, JournalExchanged, what `Journal.seal` raises.
    """
    live_watch().require_writable()
    ledger = live_ledger()
    if not live_is_in_place():
        raise JournalExchanged
    before = ledger.head.seq
    ledger.journal.seal()
    seal = next(ledger.events(after=before, types=[SEALED]), None)
    if seal is not None:
        with transaction.atomic():
            after = {"by": by, "seq": seal.seq, "hash": seal.hash}
            audit.record(actor=None, act=ACT_SEALED, object="journal:credits", after=after)
    return seal


def seal_live_journal_by_age() -> None:
    """The same for a process that does not work with the ledger: nothing of it stays open. Raises as that."""
    try:
        seal_live_journal(by=BY_AGE)
    finally:
        close_live_ledger()


def repair_journal(
    *, actor: Actor | None, journal: Path, kind: RepairKind, reason: str, checkpoints: Sequence[Checkpoint] = ()
) -> Repaired:
    """Mend one kind of damage of a credit journal or the governance journal; `checkpoints` may be believed.

    `actor` None is the owner of the shell, who needs neither role nor reason. Raises NotAllowed, ReasonTooShort,
    ConsoleRunning for the live journal, and what `carry_out` raises.
    """
    target = f"journal:{journal.name}"
    if actor is not None:
        _permit_repair(actor=actor, target=target)
        require_reason(reason, field="reason")
    is_live = journal.absolute() == live_journal()
    close_live_ledger()
    governance_journal.close()
    rules = _GOVERNANCE if governance_journal.is_governance(journal) else CREDITS
    by, why = label_of(actor), reason.strip()
    with storage_held() if is_live else nullcontext(), transaction.atomic():
        done = carry_out(path=journal, kind=kind, by=by, reason=why, checkpoints=checkpoints, rules=rules)
        after: dict[str, Any] = {"by": by, "repair": kind.value, "reason": why}
        after |= {"kept": done.kept.name}
        after |= {name: done.repair.params[name] for name in ("first", "last") if name in done.repair.params}
        audit.record(actor=actor, act=Act.REPAIR_JOURNAL.value, object=target, after=after)
    return done


@action(Act.REPAIR_JOURNAL, target="{target}")
def _permit_repair(*, actor: Actor, target: str) -> None:
    """The authority check and its refusal entry."""


@action(Act.LEAVE_READ_ONLY, target="journal:credits")
def leave_read_only(*, actor: Actor, reason: str) -> None:
    """Let the live journal be written again, in this person's name; a poisoned one goes to fresh blocks first.

    It may stop again at once where the disk still is what it was. Raises NotAllowed, ReasonTooShort, InvalidText,
    StillDamaged while it is corrupt, SoundnessUnknown until a verification says otherwise, NotReadOnly, and what
    `Journal.recover` raises.
    """
    require_reason(reason, field="reason")
    journal, watch = live_ledger().journal, live_watch()
    journal.query(lambda: None)
    state = journal.status.state
    if state == "read_only":
        raise StillDamaged
    standing = watch.standing()
    is_stopped = standing.state is State.READ_ONLY
    if not is_stopped and state != "poisoned":
        raise NotReadOnly
    if standing.is_damaged:
        raise SoundnessUnknown
    after: dict[str, Any] = {
        "reason": reason.strip(),
        "was": "poisoned" if state == "poisoned" else standing.state.value,
    }
    if is_stopped:
        after |= {"since": standing.since, "causes": [one.cause.value for one in standing.findings]}
    if state == "poisoned":
        after["seq"] = journal.recover(reason=reason.strip(), actor=actor.label).seq
    audit.record(actor=actor, act=Act.LEAVE_READ_ONLY.value, object="journal:credits", after=after)
    if is_stopped:
        watch.release()


@action(Act.STEER_SUBSCRIPTION, target="{target}")
def _permit_steering(*, actor: Actor, target: str) -> None:
    """The authority check and its refusal entry."""


def _object(journal: Path, name: str) -> str:
    return f"subscription:{name}" if journal == live_journal() else f"subscription:{journal.name}/{name}"


def _record(actor: Actor | None, target: str, after: dict[str, Any]) -> None:
    audit.record(actor=actor, act=Act.STEER_SUBSCRIPTION.value, object=target, after={"by": label_of(actor), **after})

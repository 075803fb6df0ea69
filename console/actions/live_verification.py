"""Verifying the live journal for the checklist: every record, every hash, every invariant, from the files."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.models import Person
from console.models import LiveVerification
from ledger.actions import live_ledger
from ledger.conf import live_journal
from ledger.verifying.reading import Outcome, examine
from ledger.verifying.starting import start_verification


def start_live_verification(*, actor: Actor) -> bool:
    """Have the live journal verified beside the console; False when somebody did already, whose outcome then counts.

    Raises NotAllowed, OSError.
    """
    _ask(actor=actor)
    _make_first()
    return start_verification(actor=actor, journal=live_journal())


def verify_live_journal(*, actor: Actor) -> LiveVerification:
    """Read the live journal here and now and put on record what was found; one without events is sound.

    Reading takes as long as the journal is; it happens outside of the transaction. Raises `NotAllowed`.
    """
    _permit(actor=actor)
    _make_first()
    outcome = examine(live_journal(), began_at=timezone.now().isoformat(), progress=lambda *_: None)
    row: LiveVerification = _record(actor=actor, outcome=outcome)
    return row


def record_live_verification(outcome: Outcome, person: int) -> None:
    """Put on record what was found for this person, who asked in the console. Raises `NotAllowed`."""
    _record(actor=Actor(person=Person.objects.get(pk=person), via="console"), outcome=outcome)


@action(Act.VERIFY_JOURNAL, target="journal:credits")
def _ask(*, actor: Actor) -> None:
    """What is found may be on record much later, or never when the process dies: that somebody asked is at once."""
    audit.record(actor=actor, act="journal.ask_verification", object="journal:credits")


@action(Act.VERIFY_JOURNAL, target="journal:credits")
def _permit(*, actor: Actor) -> None:
    """The authority check and its refusal entry, before a work that may take minutes."""


@action(Act.VERIFY_JOURNAL, target="journal:credits")
def _record(*, actor: Actor, outcome: Outcome) -> LiveVerification:
    """The row says when reading began: what the journal became meanwhile was not verified."""
    row = LiveVerification.objects.create(
        at=datetime.fromisoformat(outcome.began_at),
        person=actor.person,
        events=outcome.events,
        head=outcome.head_hash,
        is_sound=outcome.is_sound,
        detail=list(outcome.problems),
    )
    audit.record(
        actor=actor,
        act=Act.VERIFY_JOURNAL,
        object="journal:credits",
        after={
            "events": outcome.events,
            "seq": outcome.head_seq,
            "head": outcome.head_hash,
            "is_sound": outcome.is_sound,
            "problems": len(outcome.problems),
        },
        rows=(row,),
    )
    return row


def _make_first() -> None:
    """A new installation's journal is made when it is first used."""
    if not live_journal().exists():
        live_ledger()

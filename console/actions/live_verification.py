"""Verifying the live journal for the checklist: every record, every hash, every invariant, from the files."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.models import LiveVerification
from ledger import LedgerError, check_invariants, gettext_noop, verify
from ledger.actions import live_ledger
from ledger.conf import live_journal

ENGINE_STREAM = "system:journal"
PROBLEMS_MAX = 20


def verify_live_journal(*, actor: Actor) -> LiveVerification:
    """Read the live journal from its files and put on record what was found; a journal without events is sound.

    Reading takes as long as the journal is; it happens outside of the transaction. Raises `NotAllowed`.
    """
    _permit(actor=actor)
    events, head, is_sound, detail = _examine()
    row: LiveVerification = _record(actor=actor, events=events, head=head, is_sound=is_sound, detail=detail)
    return row


@action(Act.VERIFY_JOURNAL, target="journal:credits")
def _permit(*, actor: Actor) -> None:
    """The authority check and its refusal entry, before a work that may take minutes."""


@action(Act.VERIFY_JOURNAL, target="journal:credits")
def _record(*, actor: Actor, events: int, head: str, is_sound: bool, detail: list[dict[str, Any]]) -> LiveVerification:
    row = LiveVerification.objects.create(
        at=timezone.now(), person=actor.person, events=events, head=head, is_sound=is_sound, detail=detail
    )
    audit.record(
        actor=actor,
        act=Act.VERIFY_JOURNAL,
        object="journal:credits",
        after={"events": events, "head": head, "is_sound": is_sound, "problems": len(detail)},
        rows=(row,),
    )
    return row


def _examine() -> tuple[int, str, bool, list[dict[str, Any]]]:
    """Events of the ledger (not the engine's own), hash of the last one, soundness, and every problem as a text."""
    if not live_journal().exists():
        live_ledger()  # makes an empty one
    streams: Counter[bool] = Counter()
    report = verify(path=live_journal(), take=lambda event: streams.update([event.stream == ENGINE_STREAM]))
    problems = [_problem(finding) for finding in report.problems]
    try:
        lines = check_invariants(live_journal()).lines
        broken = [_broken(line.question, line.where) for line in lines if line.is_held is False]
    except LedgerError as error:
        broken = [{"template": error.message, "params": {name: str(value) for name, value in error.params.items()}}]
    detail = [*problems, *broken][:PROBLEMS_MAX]
    return streams[False], report.head.hash, not detail, detail


def _problem(finding: Any) -> dict[str, Any]:
    place = {"what": finding.what, "segment": finding.segment, "line": finding.line}
    return {"template": gettext_noop("%(what)s of %(segment)s is wrong at line %(line)s"), "params": place}


def _broken(question: str, where: tuple[str, ...]) -> dict[str, Any]:
    params = {"question": {"template": question, "params": {}}, "where": ", ".join(where)}
    return {"template": gettext_noop("%(question)s No: %(where)s"), "params": params}

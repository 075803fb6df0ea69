"""The facts behind the checklist: from the manifest of a request, or from the evidence as it is before one opens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from console.checklist import (
    BuildFact,
    ChecklistFacts,
    ConditionFact,
    GateFact,
    Item,
    JournalFact,
    PredecessorFact,
    ReviewFact,
    RunsFact,
    Text,
    WaiverFact,
    build_checklist,
    unreadable_run,
)
from console.eligibility import Facts
from console.models import Condition, LiveVerification, Phase, ReleaseRequest, Review, Waiver
from console.phase_definition import SHIPPED_CHECKS, Check
from console.release_manifest import read_manifest
from console.release_states import Outcome, RequestState, Seat, Word
from console.releases.evidence import Evidence, deciding_rows, gather, listed, overlay_over, recommendation_of
from console.releases.look import Look
from console.releases.seats import names_by
from console.releases.standing import Standing, is_closed, standing_of
from ledger.verifying.starting import began_after
from testruns.actions import RunUnreadable, last_editor_of, rules_of
from testruns.environment import identify_build
from testruns.gates.outcomes import GateOutcome, RuleOutcome
from testruns.gates.rule import Kind, Severity
from testruns.gates.verdicts import Verdict
from testruns.models import Build, GatePolicy, Run
from testruns.overlay import Overlay, why_not_waivable
from testruns.recommendation import Recommendation

NOBODY: Final = 0
"""No person has this number."""

_BLOCKING_SEVERITIES = (Severity.CRITICAL.value, Severity.MAJOR.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A checklist with what it was computed from.

    recommendation: the machine's word now, expired waivers gone. overlay: what the deciding runs alone say; None for
    no run. missing: why they are not enough to decide by, which keeps the machine's word from being theirs.
    waived_until: when the first waiver ends that the word rests on; None if it rests on none.
    """

    items: tuple[Item, ...]
    recommendation: Recommendation
    overlay: Overlay | None
    missing: tuple[Text, ...]
    waived_until: datetime | None

    def valid_until(self, policy: GatePolicy, *, now: datetime) -> datetime:
        """When a release ends that is decided now: after the policy's days, or sooner, with a waiver it rests on."""
        end = now + timedelta(days=rules_of(policy).values.release_validity_days)
        return min(end, self.waived_until or end)


@lru_cache(maxsize=1)
def running_tree_digest() -> str:
    """The source tree this process was started on; read once, because the process does not change with the files."""
    return identify_build().tree_digest


def items_of_evidence(*, phase: Phase, build: Build, look: Look) -> tuple[Item, ...]:
    """The checklist before a request is open, as it is shown: of a run that cannot be read it says that."""
    return _shown(lambda: check_evidence(gather(phase=phase, build=build, now=look.now), look=look))


def items_of_request(request: ReleaseRequest, *, look: Look) -> tuple[Item, ...]:
    """The checklist of a request, as it is shown: of a run that cannot be read it says that."""
    return _shown(lambda: check_request(request, look=look))


def _shown(check: Callable[[], Checked]) -> tuple[Item, ...]:
    try:
        return check().items
    except RunUnreadable as refusal:
        return (unreadable_run(run=refusal.params["run"], why={"template": refusal.message, "params": refusal.params}),)


def check_evidence(evidence: Evidence, *, look: Look) -> Checked:
    """The checklist of a request that is not open yet."""
    now = look.now
    facts = ChecklistFacts(
        request=None,
        build=_build(evidence.build),
        runs=RunsFact(
            deciding=evidence.selection.deciding,
            full_count=evidence.selection.full_count,
            green_count=evidence.selection.green_count,
            missing=evidence.selection.missing,
        ),
        gates=_gates(evidence, overlay=evidence.overlay),
        soak=_soak(evidence.overlay),
        journal=_journal(look.verification),
        review=None,
        conditions=_conditions(look.open_conditions(evidence.phase), now=now),
        waivers=_waivers(evidence.waivers, now=now),
        predecessors=_predecessors(look.predecessors(evidence.phase)),
        eligible=names_by(_facts_before(evidence), people=look.people),
        checks=frozenset(Check(check) for check in evidence.phase.checks),
    )
    items = build_checklist(facts, now=now)
    return Checked(
        items=items,
        recommendation=evidence.recommendation,
        overlay=evidence.overlay,
        missing=evidence.selection.missing,
        waived_until=_waived_until(evidence.waivers, evidence.overlay),
    )


def check_request(request: ReleaseRequest, *, look: Look) -> Checked:
    """The checklist of a request: runs, waivers and definition as they were bound, everything else as it is now."""
    now = look.now
    manifest = read_manifest(request.manifest)
    bound = request.bound_runs.filter(is_deciding=True).values("run")
    deciding = tuple(deciding_rows(Run.objects.filter(pk__in=bound)))
    waivers = tuple(Waiver.objects.filter(pk__in=[one["id"] for one in manifest["waivers"]]).order_by("pk"))
    valid = {waiver.rule_code for waiver in waivers if waiver.expires_at > now}
    overlay = overlay_over(deciding, waived=valid)
    sign_offs = look.sign_offs(request)
    facts = ChecklistFacts(
        request=request.pk,
        build=_build(request.build),
        runs=_bound_runs(request, manifest),
        gates=_gates(request, overlay=overlay),
        soak=_soak(overlay),
        journal=_journal(look.verification),
        review=_review(sign_offs[Seat.REVIEWER].review, manifest) if Seat.REVIEWER in sign_offs else None,
        conditions=_conditions(_open_conditions(request, look=look), now=now),
        waivers=_waivers(waivers, now=now),
        predecessors=_predecessors(look.standings({one["phase"] for one in manifest["predecessors"]})),
        seated={seat: sign_off.printed_name for seat, sign_off in sign_offs.items()},
        eligible=look.eligible(request),
        checks=_checks(manifest),
        is_closing=any(decision.word == Word.CONDITIONAL.value for decision in request.decisions.all()),
    )
    return Checked(
        items=build_checklist(facts, now=now),
        recommendation=recommendation_of(overlay, is_complete=not facts.runs.missing),
        overlay=overlay,
        missing=facts.runs.missing,
        waived_until=_waived_until(waivers, overlay),
    )


def _facts_before(evidence: Evidence) -> Facts:
    """Whose work a request would rest on, before anybody opened it."""
    return Facts(
        requesters_of_runs=frozenset(run.requested_by_id for run in evidence.runs if run.requested_by_id is not None),
        opener=NOBODY,
        policy_editor=last_editor_of(evidence.policy),
        phase_editor=evidence.phase.edited_by_id,
        waiver_requesters=frozenset(waiver.requested_by_id for waiver in evidence.waivers),
    )


def red_since(request: ReleaseRequest) -> tuple[int, ...]:
    """Full runs of the build that ended red after the request opened."""
    later = Run.objects.filter(build=request.build, finished_at__gt=request.opened_at).order_by("-pk")
    return tuple(run.pk for run in listed(later) if run.fact(active_policy_id=run.policy_id).is_red)


def open_findings_of(review: Review) -> int:
    """How many critical or major findings of a review are open."""
    return sum(
        finding["severity"] in _BLOCKING_SEVERITIES and finding["status"] == "open" for finding in review.findings
    )


def _build(build: Build) -> BuildFact:
    return BuildFact(
        build=build.pk,
        name=str(build),
        is_clean=build.is_clean,
        is_running=build.tree_digest == running_tree_digest(),
    )


def _bound_runs(request: ReleaseRequest, manifest: Mapping[str, Any]) -> RunsFact:
    """What was bound stays bound: no run is added later, and what was missing then is missing for this request."""
    selection = manifest["selection"]
    return RunsFact(
        deciding=tuple(run["run"] for run in reversed(manifest["runs"]) if run["is_deciding"]),
        full_count=selection["full"],
        green_count=selection["green"],
        missing=tuple(selection["missing"]),
        red_since=red_since(request),
    )


def _gates(asked: Evidence | ReleaseRequest, *, overlay: Overlay | None) -> tuple[GateFact, ...]:
    if overlay is None:
        gates = rules_of(asked.policy).gates
        return tuple(GateFact(gate=gate, verdict=Verdict.INCONCLUSIVE, worst_rule=None, why=None) for gate in gates)
    outcomes = {outcome.rule.code: outcome for outcome in overlay.judgement.rules}
    waiver = f"{asked.phase.code}/{asked.build.pk}"
    return tuple(
        _gate(one, worst=outcomes.get(one.worst_rule or ""), waiver=waiver) for one in overlay.judgement.gates.values()
    )


def _gate(one: GateOutcome, *, worst: RuleOutcome | None, waiver: str) -> GateFact:
    is_waivable = worst is not None and one.verdict is Verdict.FAIL and not why_not_waivable(worst.rule)
    return GateFact(
        gate=one.gate,
        verdict=one.verdict,
        worst_rule=one.worst_rule,
        why=_reason(worst) if worst else None,
        waiver=f"{waiver}/{one.worst_rule}" if is_waivable else "",
    )


def _soak(overlay: Overlay | None) -> GateFact | None:
    """How long was measured: the worst of the rules that ask for it."""
    outcomes = [one for one in overlay.judgement.rules if one.rule.kind is Kind.DURATION] if overlay else []
    if not outcomes:
        return None
    one = max(outcomes, key=lambda outcome: outcome.verdict.rank)
    return GateFact(gate=one.rule.gate, verdict=one.verdict, worst_rule=one.rule.code, why=_reason(one))


def _reason(outcome: RuleOutcome) -> Text:
    return {"template": outcome.reason, "params": dict(outcome.reason_params)}


def _journal(last: LiveVerification | None) -> JournalFact | None:
    """What was verified last, if it was the journal that is live now."""
    if last is None or began_after(last.at):
        return None
    return JournalFact(at=last.at, events=last.events, is_sound=last.is_sound)


def _review(review: Review | None, manifest: Mapping[str, Any]) -> ReviewFact | None:
    if review is None:
        return None
    answered = {answer["run"] for answer in review.run_answers}
    to_answer = [run["run"] for run in manifest["runs"] if run["needs_answer"]]
    return ReviewFact(
        outcome=Outcome(review.outcome),
        open_findings=open_findings_of(review),
        unanswered=tuple(run for run in to_answer if run not in answered),
    )


def _open_conditions(request: ReleaseRequest, *, look: Look) -> tuple[Condition, ...]:
    """Those of the request itself; before its decision those of the release that stands."""
    if request.state != RequestState.CONDITIONAL.value:
        return look.open_conditions(request.phase)
    return tuple(one for one in look.conditions([request])[request.pk] if not is_closed(one))


def _conditions(conditions: Iterable[Condition], *, now: datetime) -> tuple[ConditionFact, ...]:
    return tuple(
        ConditionFact(
            condition=condition.pk,
            text=condition.text,
            owner=str(condition.owner),
            due_date=condition.due_date,
            is_overdue=standing_of(condition).is_overdue(now=now),
        )
        for condition in conditions
    )


def _waived_until(waivers: Iterable[Waiver], overlay: Overlay | None) -> datetime | None:
    """Per rule the waiver that ends last, of these the one that ends first."""
    ends: dict[str, datetime] = {}
    for waiver in waivers:
        ends[waiver.rule_code] = max(waiver.expires_at, ends.get(waiver.rule_code, waiver.expires_at))
    return min((ends[code] for code in (overlay.waived if overlay else ())), default=None)


def _waivers(waivers: Iterable[Waiver], *, now: datetime) -> tuple[WaiverFact, ...]:
    return tuple(
        WaiverFact(
            waiver=waiver.pk, rule=waiver.rule_code, expires_at=waiver.expires_at, is_valid=waiver.expires_at > now
        )
        for waiver in waivers
    )


def _predecessors(standings: Iterable[Standing]) -> tuple[PredecessorFact, ...]:
    return tuple(PredecessorFact(phase=one.phase.code, opens=one.opens, label=one.label) for one in standings)


def _checks(manifest: Mapping[str, Any]) -> frozenset[Check]:
    """Those of the definition that the request was opened under."""
    return frozenset(Check(check) for check in manifest.get("definition", {}).get("checks", SHIPPED_CHECKS))

"""The evidence for a release of one phase for one build, gathered from rows: runs, gates, waivers, journal head."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from console.deciding_runs import RunFact, Selection, select
from console.kernel.models import Person
from console.models import Decision, Phase, Waiver
from console.release_manifest import compose
from console.releases.definitions import definition_of
from console.releases.look import Look
from ledger.actions import live_ledger
from testruns.actions import RunUnreadable, active_policy, overlay_of, rules_of, runs_of
from testruns.environment import LIVE_JOURNAL
from testruns.gates.outcomes import RuleOutcome
from testruns.gates.policy import PolicyValues
from testruns.models import Build, GatePolicy, Run
from testruns.overlay import Overlay
from testruns.plan import RunPlan
from testruns.recommendation import Recommendation
from testruns.run_states import RunState
from testruns.wording import plain_decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedRun:
    """A run as far as a request lists it: a build may have a thousand, so no more than that is read.

    policy: its digest. requested_by: a printed name, empty for a run nobody stands behind.
    """

    pk: int
    manifest_digest: str
    state: RunState
    recommendation: Recommendation | None
    profile: str
    seed: int
    policy_id: int
    policy: str
    requested_by_id: int | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    is_full: bool

    def fact(self, *, active_policy_id: int) -> RunFact:
        """What of it decides about its place in a request."""
        return RunFact(
            run=self.pk,
            state=self.state,
            recommendation=self.recommendation,
            seed=self.seed,
            is_full=self.is_full,
            has_active_policy=self.policy_id == active_policy_id,
            requested_by=self.requested_by_id,
            has_begun=self.started_at is not None,
            finished_at=self.finished_at,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything a request opened now would rest on. `overlay`: None while there is no deciding run.

    runs: every one that is listed; deciding: the rows of those that decide, newest first.
    """

    phase: Phase
    build: Build
    policy: GatePolicy
    values: PolicyValues
    runs: tuple[ListedRun, ...]
    deciding: tuple[Run, ...]
    selection: Selection
    waivers: tuple[Waiver, ...]
    overlay: Overlay | None

    @property
    def recommendation(self) -> Recommendation:
        """The machine's word: over too few runs nothing better than INCOMPLETE."""
        return recommendation_of(self.overlay, is_complete=self.selection.is_complete)


def gather(*, phase: Phase, build: Build, now: datetime) -> Evidence:
    """The evidence as it is now. Raises `NoActivePolicy` and `RunUnreadable`."""
    policy = active_policy()
    values = rules_of(policy).values
    runs = runs_since_decision(phase=phase, build=build)
    days = values.run_age_days
    selection = select(
        [run.fact(active_policy_id=policy.pk) for run in runs],
        wanted=values.deciding_runs,
        days_max=days,
        oldest_at=now - timedelta(days=days),
    )
    deciding = tuple(deciding_rows(Run.objects.filter(pk__in=selection.deciding)))
    waivers = valid_waivers(phase=phase, build=build, policy=policy, now=now)
    return Evidence(
        phase=phase,
        build=build,
        policy=policy,
        values=values,
        runs=runs,
        deciding=deciding,
        selection=selection,
        waivers=waivers,
        overlay=overlay_over(deciding, waived={waiver.rule_code for waiver in waivers}),
    )


def runs_since_decision(*, phase: Phase, build: Build) -> tuple[ListedRun, ...]:
    """Every run of the build that was not over when this phase was last decided for it, newest first."""
    decided_at = (
        Decision.objects.filter(request__phase=phase, request__build=build)
        .order_by("-decided_at")
        .values_list("decided_at", flat=True)
        .first()
    )
    runs = runs_of(build).order_by("-pk")
    if decided_at is not None:
        runs = runs.filter(Q(finished_at__isnull=True) | Q(finished_at__gt=decided_at))
    return listed(runs)


def listed(runs: QuerySet[Run]) -> tuple[ListedRun, ...]:
    """These runs, in their order, in four queries however many there are.

    A frozen run never changes, so each is read once per process: afterwards only its number and digest are, and the
    name of who asked for it, which may change. Raises `RunUnreadable`.
    """
    heads = list(runs.values_list("pk", "manifest_digest", "requested_by_id"))
    people = Person.objects.only("username", "printed_name").in_bulk(
        {person for _pk, _digest, person in heads} - {None}
    )
    names = {person: str(row) for person, row in people.items()} | {None: ""}
    keys = {pk: (pk, digest, names[person]) for pk, digest, person in heads}
    known = {pk: run for pk, key in keys.items() if (run := _frozen.get(key)) is not None}
    unknown = keys.keys() - known.keys()
    if unknown:
        known |= _read(runs.filter(pk__in=unknown) if len(unknown) <= ASKED_MAX else runs, names=names)
    return tuple(known[pk] for pk in keys if pk in known)


ASKED_MAX = 500
"""From there on it is quicker to read all than to name those that are asked for."""
FROZEN_MAX = 10_000
_frozen: dict[tuple[int, str, str], ListedRun] = {}
"""By number, manifest digest, and name of who asked for it."""


def _read(runs: QuerySet[Run], *, names: Mapping[int | None, str]) -> dict[int, ListedRun]:
    """By number. Keeps what is frozen for the next time."""
    columns = runs.annotate(suite=Cast("scenarios", TextField()), levels=Cast("concurrency", TextField()))
    rows: list[Any] = list(columns.values_list(*_COLUMNS, named=True))
    policies = GatePolicy.objects.in_bulk({row.policy_id for row in rows})
    found = {row.pk: _listed(row, policies[row.policy_id], names.get(row.requested_by_id, "")) for row in rows}
    if len(_frozen) + len(found) > FROZEN_MAX:
        _frozen.clear()
    for row in rows:
        if row.frozen_at is not None and row.manifest_digest:
            _frozen[row.pk, row.manifest_digest, found[row.pk].requested_by] = found[row.pk]
    return found


def _listed(row: Any, policy: GatePolicy, name: str) -> ListedRun:
    try:
        state, is_full = RunState(row.state), _is_full(row, policy=policy)
        recommendation = Recommendation(row.recommendation) if row.recommendation else None
    except (ValueError, TypeError) as damage:
        raise RunUnreadable(run=row.pk) from damage
    return ListedRun(
        pk=row.pk,
        manifest_digest=row.manifest_digest,
        state=state,
        recommendation=recommendation,
        profile=row.profile,
        seed=row.seed,
        policy_id=row.policy_id,
        policy=policy.digest,
        requested_by_id=row.requested_by_id,
        requested_by=name,
        requested_at=row.requested_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        is_full=is_full,
    )


_PLAN = ("profile", "duration_seconds", "retry_injection", "karma_available", "anomaly_injection", "suite", "levels")
_COLUMNS = (
    "pk",
    "manifest_digest",
    "state",
    "recommendation",
    "seed",
    "policy_id",
    "requested_by_id",
    "requested_at",
    "started_at",
    "finished_at",
    "frozen_at",
    *_PLAN,
)


def _is_full(row: Any, *, policy: GatePolicy) -> bool:
    return _plan_is_full(
        soak_seconds=rules_of(policy).values.soak_seconds, **{name: getattr(row, name) for name in _PLAN}
    )


@lru_cache(maxsize=256)
def _plan_is_full(*, soak_seconds: int, suite: str, levels: str, **plan: Any) -> bool:
    """Whether runs of this plan are full ones: a thousand runs have few plans."""
    whole = RunPlan(scenarios=tuple(json.loads(suite)), concurrency=tuple(json.loads(levels)), seed=0, **plan)
    return whole.is_full_run(soak_seconds=soak_seconds)


def valid_waivers(*, phase: Phase, build: Build, policy: GatePolicy, now: datetime) -> tuple[Waiver, ...]:
    """The approved waivers of this phase, build and policy that have not expired."""
    waivers = Waiver.objects.filter(
        phase=phase, build=build, policy=policy, answer__is_approved=True, expires_at__gt=now
    ).prefetch_related("answer__answered_by")
    return tuple(waivers.order_by("pk"))


def deciding_rows(runs: QuerySet[Run]) -> QuerySet[Run]:
    """These, the newest first, with what is read of them to say what they say together."""
    columns = runs.select_related("policy").only("manifest_digest", "frozen_at", "scenarios", "policy__content")
    return columns.order_by("-pk")


def overlay_over(runs: Sequence[Run], *, waived: set[str]) -> Overlay | None:
    """What the deciding runs say together with these rules waived; None for no run."""
    return overlay_of(runs=runs, waived=waived) if runs else None


def recommendation_of(overlay: Overlay | None, *, is_complete: bool) -> Recommendation:
    """The machine's word over the deciding runs; over too few of them nothing better than INCOMPLETE."""
    if overlay is None:
        return Recommendation.INCOMPLETE
    word = overlay.recommended.word
    return word if is_complete or word is Recommendation.NO_GO else Recommendation.INCOMPLETE


def manifest_of(evidence: Evidence, *, look: Look) -> dict[str, Any]:
    """The release manifest of this evidence. Opens the live journal to read its head."""
    build, policy, overlay = evidence.build, evidence.policy, evidence.overlay
    head = live_ledger().head
    newest = next(iter(evidence.deciding), None)
    return compose(
        phase=evidence.phase.code,
        definition=_definition(evidence.phase),
        build={
            "name": build.name,
            "commit": build.commit,
            "tree_digest": build.tree_digest,
            "is_clean": build.is_clean,
        },
        policy={"code": policy.code, "number": policy.number, "digest": policy.digest},
        runs=[_run(run, evidence) for run in evidence.runs],
        selection={
            "full": evidence.selection.full_count,
            "green": evidence.selection.green_count,
            "missing": list(evidence.selection.missing),
        },
        gates={gate: one.verdict.value for gate, one in overlay.judgement.gates.items()} if overlay else {},
        rules={outcome.rule.code: _rule(outcome) for outcome in overlay.judgement.rules} if overlay else {},
        waivers=[_waiver(waiver) for waiver in evidence.waivers],
        recommendation=evidence.recommendation.value,
        environment=_environment(newest) if newest else {},
        live={"seq": head.seq, "hash": head.hash},
        predecessors=[
            {"phase": one.phase.code, "decision": one.decision.digest if one.decision else "", "state": one.word}
            for one in look.predecessors(evidence.phase)
        ],
    )


def _environment(run: Run) -> dict[str, Any]:
    """Where it ran; how far the live journal is has a place of its own."""
    return {name: part for name, part in run.environment.items() if name != LIVE_JOURNAL}


def _definition(phase: Phase) -> dict[str, Any]:
    definition = definition_of(phase)
    return {
        "number": definition.number,
        "digest": definition.digest,
        "checks": list(definition.checks),
        "edited_by": phase.edited_by_id,
    }


def _run(run: ListedRun, evidence: Evidence) -> dict[str, Any]:
    return {
        "run": run.pk,
        "manifest": run.manifest_digest,
        "state": run.state.value,
        "recommendation": run.recommendation.value if run.recommendation else "",
        "profile": run.profile,
        "seed": run.seed,
        "policy": run.policy,
        "requested_by": run.requested_by_id,
        "is_full": run.is_full,
        "is_deciding": run.pk in evidence.selection.deciding,
        "needs_answer": run.pk in evidence.selection.to_answer,
    }


def _rule(outcome: RuleOutcome) -> dict[str, Any]:
    rule = outcome.rule
    return {
        "verdict": outcome.verdict.value,
        "severity": rule.severity.value,
        "operator": rule.operator.value,
        "expected": plain_decimal(rule.threshold),
        "actual": "" if outcome.actual is None else plain_decimal(outcome.actual),
        "margin": "" if outcome.margin is None else plain_decimal(outcome.margin),
        "unit": rule.unit,
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "id": waiver.pk,
        "rule": waiver.rule_code,
        "requested_by": waiver.requested_by_id,
        "approved_by": waiver.answer.answered_by_id,
        "expires_at": waiver.expires_at.astimezone(UTC).isoformat(timespec="seconds"),
        "reason": waiver.reason,
    }

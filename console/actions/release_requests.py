"""Opening and withdrawing a release request; looking at what it would rest on before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act, Role
from console.kernel.errors import NotFound
from console.models import BoundRun, Phase, ReleaseRequest
from console.release_states import RequestState
from console.releases import Checked, Evidence, Look, check_evidence, gather, manifest_of
from ledger import canonical_bytes, digest_of
from testruns.actions import freeze_for_release
from testruns.models import Build

from .refusals import NotYours, OpenAlready, PhaseInUse
from .writing import label_of, move, request_for_update, require_open, required_reason, write_down_states


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a request opened now would rest on. Runs that are unfinished would be frozen first."""

    evidence: Evidence
    manifest: Mapping[str, Any]
    manifest_digest: str
    checked: Checked
    open_request: ReleaseRequest | None


def preview_request(*, phase: str, build_id: int) -> Preview:
    """The evidence, manifest and checklist of a request that nobody has opened. Writes nothing. Raises `NotFound`."""
    look = Look(now=timezone.now())
    row, build = _phase(phase), _build(build_id)
    evidence = gather(phase=row, build=build, now=look.now)
    manifest = manifest_of(evidence, look=look)
    return Preview(
        evidence=evidence,
        manifest=manifest,
        manifest_digest=digest_of(manifest),
        checked=check_evidence(evidence, look=look),
        open_request=ReleaseRequest.objects.filter(phase=row, state=RequestState.OPEN.value).first(),
    )


@action(Act.OPEN_REQUEST, target="phase:{phase}")
def open_request(*, actor: Actor, phase: str, build_id: int) -> ReleaseRequest:
    """Open a request for one build: its unfinished runs are frozen and the manifest is fixed for good.

    Asking again for what the same person has just opened returns that request. Raises `NotFound`, `PhaseInUse`,
    `OpenAlready`, `NoActivePolicy`.
    """
    now = timezone.now()
    row, build = _phase(phase, for_update=True), _build(build_id)
    if row.state == Phase.State.ACTIVE:
        raise PhaseInUse(phase=row.code)
    write_down_states(phase_id=row.pk, now=now)
    standing = ReleaseRequest.objects.filter(phase=row, state=RequestState.OPEN.value).first()
    if standing is not None:
        if (standing.opened_by_id, standing.build_id) == (actor.person.pk, build.pk):
            return standing
        raise OpenAlready(phase=row.code, request=standing.pk)
    frozen = freeze_for_release(actor=actor, build=build)
    evidence = gather(phase=row, build=build, now=now)
    manifest = manifest_of(evidence, look=Look(now=now))
    request = ReleaseRequest.objects.create(
        phase=row,
        build=build,
        policy=evidence.policy,
        opened_by=actor.person,
        opened_at=now,
        deadline_at=now + timedelta(days=evidence.values.request_deadline_days),
        manifest=canonical_bytes(manifest).decode(),
        manifest_digest=digest_of(manifest),
    )
    bound = BoundRun.objects.bulk_create(_bound(request, evidence))
    audit.record(
        actor=actor,
        act=Act.OPEN_REQUEST,
        object=f"request:{request.pk}",
        after={
            "phase": row.code,
            "build": build.tree_digest,
            "manifest": request.manifest_digest,
            "recommendation": evidence.recommendation.value,
            "frozen_runs": list(frozen),
        },
        rows=(request, *bound),
    )
    return request


@action(Act.WITHDRAW_REQUEST, target="request:{request_id}")
def withdraw_request(*, actor: Actor, request_id: int, reason: str) -> ReleaseRequest:
    """Withdraw an open request: who opened it may, and a supervisor.

    Raises `NotFound`, `NotYours`, `RequestOver`, `RequestExpired`, `InvalidInput` (reason).
    """
    now = timezone.now()
    reason = required_reason(reason)
    request = request_for_update(request_id)
    if request.opened_by_id != actor.person.pk and Role.SUPERVISOR not in actor.person.roles:
        raise NotYours(what=f"request #{request_id}", owner=str(request.opened_by))
    require_open(request, now=now)
    move(request, to=RequestState.WITHDRAWN)
    audit.record(
        actor=actor,
        act=Act.WITHDRAW_REQUEST,
        object=f"request:{request_id}",
        before={"state": RequestState.OPEN.value},
        after={"state": request.state, "reason": reason, "by": label_of(actor)},
        rows=(request,),
    )
    return request


def _bound(request: ReleaseRequest, evidence: Evidence) -> list[BoundRun]:
    """Runs nobody stands behind are listed in the manifest and never bound."""
    return [
        BoundRun(
            request=request,
            run_id=run.pk,
            is_deciding=run.pk in evidence.selection.deciding,
            needs_answer=run.pk in evidence.selection.to_answer,
        )
        for run in evidence.runs
        if run.requested_by_id is not None
    ]


def _phase(code: str, *, for_update: bool = False) -> Phase:
    phases = Phase.objects.select_for_update() if for_update else Phase.objects.all()
    phase = phases.filter(code=code).first()
    if phase is None:
        raise NotFound(what=f"phase {code}")
    return phase


def _build(build_id: int) -> Build:
    build = Build.objects.filter(pk=build_id).first()
    if build is None:
        raise NotFound(what=f"build {build_id}")
    return build

"""Requesting a run: the plan is checked, the build found, the disk measured, and one message sent per execution."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound
from ledger import gettext_noop
from testruns.environment import BuildIdentity, identify_build
from testruns.models import Build, GatePolicy, Run, ScenarioExecution
from testruns.plan import IMPORT_PROFILE, PlannedExecution, RunPlan
from testruns.run_states import ExecutionState

from .limits import DISK_FREE_BYTES_MIN, DISK_USED_SHARE_MAX
from .policies import active_policy, rules_of
from .queueing import enqueue
from .refusals import DiskTooFull, ImportedNotRun, OtherBuild

BUILD_NAME = "gatehouse"
GIB = 1024**3
_NO_COMMIT = gettext_noop("no commit without changes")


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """The disk of the storage: bytes in all and bytes free."""

    total: int
    free: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where a run would take place: the source it judges and the disk it writes to."""

    build: BuildIdentity
    disk: Disk


def read_site() -> Site:
    """The site as it is now. Takes up to some tenths of a second: not to be called inside a transaction."""
    return Site(build=identify_build(), disk=read_disk())


def request_run(*, actor: Actor, plan: RunPlan, site: Site | None = None, commit: str = "") -> Run:
    """Ask for a run through the queue. Returns the QUEUED run with its executions.

    site: for a door that calls this inside a transaction of its own. commit: the whole commit that the run must judge.
    InvalidPlan (a field of the plan), OtherBuild, DiskTooFull (with the figures), NoActivePolicy, NotAllowed. A refusal
    leaves nothing but an audit entry.
    """
    site = site or read_site()
    run: Run = _request(actor=actor, plan=plan, build=site.build, disk=site.disk, driver="", commit=commit)
    return run


def request_driven_run(*, actor: Actor | None, plan: RunPlan, driver: str) -> Run:
    """Ask for a run that the process named by `driver` (see `leases`) executes itself, without the queue.

    Without an actor there is no person behind the run, and it can never be bound to a release request.
    """
    site = read_site()
    if actor is None:
        with transaction.atomic():
            return _create(actor=None, plan=plan, build=site.build, disk=site.disk, driver=driver)
    run: Run = _request(actor=actor, plan=plan, build=site.build, disk=site.disk, driver=driver)
    return run


def run_again(*, actor: Actor, run_id: int, site: Site | None = None) -> Run:
    """Ask for another run with the same plan and seed, on the build as it is now. NotFound, and as `request_run`.

    ImportedNotRun for results from elsewhere.
    """
    site = site or read_site()
    run: Run = _request_again(actor=actor, run_id=run_id, build=site.build, disk=site.disk)
    return run


def plan_of(run: Run) -> RunPlan:
    """The plan a run was requested with."""
    return RunPlan(
        profile=run.profile,
        scenarios=tuple(run.scenarios),
        concurrency=tuple(run.concurrency),
        duration_seconds=run.duration_seconds,
        seed=run.seed,
        retry_injection=run.retry_injection,
        karma_available=run.karma_available,
        anomaly_injection=run.anomaly_injection,
    )


def read_disk() -> Disk:
    """The disk that holds the storage, now."""
    root = Path(settings.STORAGE)
    root.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(root)
    return Disk(total=usage.total, free=usage.free)


@action(Act.REQUEST_RUN)
def _request(*, actor: Actor, plan: RunPlan, build: BuildIdentity, disk: Disk, driver: str, commit: str = "") -> Run:
    if commit and not (build.is_clean and build.commit == commit):
        found = build.commit if build.is_clean and build.commit else _NO_COMMIT
        raise OtherBuild(found=found, commit=commit)
    return _create(actor=actor, plan=plan, build=build, disk=disk, driver=driver)


@action(Act.REQUEST_RUN, target="run:{run_id}")
def _request_again(*, actor: Actor, run_id: int, build: BuildIdentity, disk: Disk) -> Run:
    earlier = Run.objects.filter(pk=run_id).first()
    if earlier is None:
        raise NotFound(what=f"run {run_id}")
    if earlier.profile == IMPORT_PROFILE:
        raise ImportedNotRun(run=run_id)
    return _create(actor=actor, plan=plan_of(earlier), build=build, disk=disk, driver="")


def _create(*, actor: Actor | None, plan: RunPlan, build: BuildIdentity, disk: Disk, driver: str) -> Run:
    plan.validate()
    policy = active_policy()
    planned = plan.executions(offered_rate=rules_of(policy).values.offered_rate)
    require_disk(needed=sum(one.disk_bytes for one in planned), disk=disk)
    run = Run.objects.create(
        build=_build_row(build),
        policy=policy,
        requested_by=actor.person if actor else None,
        via=actor.via if actor else "command",
        driver=driver,
        planned_seconds=sum(one.planned_seconds for one in planned),
        environment={"build": {"branch": build.branch, "problem": build.problem}},
        **plan.as_json(),
    )
    for position, one in enumerate(planned, start=1):
        _create_execution(run=run, position=position, planned=one)
    audit.record(actor=actor, act=Act.REQUEST_RUN.value, object=f"run:{run.pk}", after=_for_audit(run, policy))
    return run


def _create_execution(*, run: Run, position: int, planned: PlannedExecution) -> None:
    execution = ScenarioExecution.objects.create(
        run=run,
        position=position,
        scenario=planned.scenario,
        concurrency=planned.concurrency,
        planned_seconds=planned.planned_seconds,
        disk_bytes=planned.disk_bytes,
        queued_at=timezone.now(),
    )
    if not run.driver:
        enqueue(execution=execution)


def require_disk(*, needed: int, disk: Disk) -> None:
    """Refuse what would leave the disk more than 80 % used and with less than 10 GiB free. All in bytes.

    What already waits in the queue counts as well. DiskTooFull carries the figures.
    """
    waiting = ScenarioExecution.objects.filter(state=ExecutionState.QUEUED.value).aggregate(sum=Sum("disk_bytes"))
    needed += waiting["sum"] or 0
    left = disk.free - needed
    used_share = (disk.total - left) / disk.total
    if used_share > DISK_USED_SHARE_MAX and left < DISK_FREE_BYTES_MIN:
        raise DiskTooFull(
            needed=_gib(needed),
            free=_gib(disk.free),
            total=_gib(disk.total),
            left=_gib(max(left, 0)),
            used_percent=min(round(used_share * 100), 100),
            used_percent_max=round(DISK_USED_SHARE_MAX * 100),
            left_min=_gib(DISK_FREE_BYTES_MIN),
        )


def _build_row(build: BuildIdentity) -> Build:
    row, _ = Build.objects.get_or_create(
        name=BUILD_NAME, commit=build.commit or "", tree_digest=build.tree_digest, is_clean=build.is_clean
    )
    return row


def _gib(size: int) -> str:
    return str((Decimal(size) / GIB).quantize(Decimal("0.01")))


def _for_audit(run: Run, policy: GatePolicy) -> dict[str, object]:
    return {
        **plan_of(run).as_json(),
        "build": run.build.tree_digest,
        "commit": run.build.commit,
        "policy": policy.digest,
        "executions": run.executions.count(),
    }

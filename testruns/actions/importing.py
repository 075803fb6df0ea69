"""Results from elsewhere: the files of another suite's runner become evidence and a judged run, at once and for good.

Two steps, so that neither reading nor writing thirty megabytes happens while the database is held: `read_results` reads
the files and stores them as evidence, `import_results` writes the run. Of a refused file only the audit entry stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final, Never

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import InvalidInput
from testruns.evidence import store
from testruns.gates.policy import IMPORTS_CODE
from testruns.gates.suite import IMPORTED_COVERAGE, IMPORTED_TESTS
from testruns.imports.cobertura import read_cobertura
from testruns.imports.junit import read_junit
from testruns.imports.limits import FILES_MAX
from testruns.imports.refusals import NothingBrought, TooManyFiles, UnusableBuildName, UnusableCommit
from testruns.imports.results import Results
from testruns.imports.specs import IMPORTED_REPORTS, ImportedReport
from testruns.models import Attempt, Evidence, Measurement, Run, RunEvidence, ScenarioExecution
from testruns.plan import IMPORT_PROFILE, RunPlan
from testruns.run_states import ExecutionState, RunState
from testruns.wording import plain_decimal

from .builds import build_of_commit
from .judging import settle_run
from .policies import active_policy

BUILD_NAME_CHARACTERS_MAX: Final = 200
XML: Final = "application/xml"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_READERS: Final[Mapping[str, Callable[..., Results]]] = MappingProxyType(
    {IMPORTED_TESTS: read_junit, IMPORTED_COVERAGE: read_cobertura}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtReport:
    """The files of one kind that were read: what they say together, and the bytes of each as evidence."""

    report: ImportedReport
    results: Results
    evidence: tuple[Evidence, ...]

    @property
    def roles(self) -> tuple[tuple[str, Evidence], ...]:
        """Each file with its role as evidence: the kind, for the second and later ones with their place."""
        kind = self.report.file
        return tuple(
            (kind if place == 1 else f"{kind}-{place}", one) for place, one in enumerate(self.evidence, start=1)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BroughtResults:
    """Everything an import brings, checked and ready to be written."""

    build: str
    commit: str
    reports: tuple[BroughtReport, ...]


def read_results(*, actor: Actor, build: str, commit: str, files: Mapping[str, Sequence[bytes]]) -> BroughtResults:
    """Read the files and store their exact bytes as evidence. Not to be called inside a transaction.

    files: contents by kind, `junit` and `coverage`; 1 to 100 in all. UnusableBuildName, UnusableCommit, NothingBrought,
    TooManyFiles, UnusableFile (its subclass says what is wrong, and where), NotAllowed. A refusal leaves only its audit
    entry.
    """
    _require_authority(actor=actor)
    try:
        name, commit = _build_name(build), _whole_commit(commit)
        count = sum(map(len, files.values()))
        if count > FILES_MAX:
            raise TooManyFiles(field=next(iter(files)), count=count, high=FILES_MAX)
        read = {
            report: _READERS[report.code](*files[report.file])
            for report in IMPORTED_REPORTS.values()
            if files.get(report.file)
        }
        if not read:
            raise NothingBrought(field="junit")
    except InvalidInput as refusal:
        _refuse(actor=actor, refusal=refusal)
    return BroughtResults(
        build=name,
        commit=commit,
        reports=tuple(
            BroughtReport(
                report=report,
                results=results,
                evidence=tuple(store(content=content, media_type=XML) for content in files[report.file]),
            )
            for report, results in read.items()
        ),
    )


@action(Act.IMPORT_RESULTS)
def import_results(*, actor: Actor, brought: BroughtResults) -> Run:
    """Write what was read as a run, judged under the policy of imports. NoActivePolicy, NotAllowed."""
    policy = active_policy(code=IMPORTS_CODE)
    now = timezone.now()
    plan = _plan_of(brought)
    run = Run.objects.create(
        build=build_of_commit(name=brought.build, commit=brought.commit),
        policy=policy,
        requested_by=actor.person,
        via=actor.via,
        planned_seconds=len(brought.reports),
        state=RunState.RUNNING.value,
        requested_at=now,
        started_at=now,
        environment={"import": {"not_passed": _not_passed(brought)}},
        **plan.as_json(),
    )
    for position, one in enumerate(brought.reports, start=1):
        _write_report(run, one, position=position)
    audit.record(
        actor=actor,
        act=Act.IMPORT_RESULTS.value,
        object=f"run:{run.pk}",
        after={
            "build": brought.build,
            "commit": brought.commit,
            "policy": policy.digest,
            "evidence": {role: evidence.digest for one in brought.reports for role, evidence in one.roles},
        },
    )
    return settle_run(run_id=run.pk)


@action(Act.IMPORT_RESULTS)
def _require_authority(*, actor: Actor) -> None:
    """Refuse, and say so in the audit trail, before a stranger's file is looked at."""


@action(Act.IMPORT_RESULTS)
def _refuse(*, actor: Actor, refusal: InvalidInput) -> Never:
    """Put a refusal that was found outside of any transaction into the audit trail, and raise it."""
    raise refusal


def _plan_of(brought: BroughtResults) -> RunPlan:
    """Nothing is run and nothing injected; the plan says what was brought."""
    return RunPlan(
        profile=IMPORT_PROFILE,
        scenarios=tuple(one.report.code for one in brought.reports),
        duration_seconds=0,
        concurrency=(1,),
        seed=0,
        retry_injection=False,
        karma_available=False,
        anomaly_injection=False,
    )


def _not_passed(brought: BroughtResults) -> list[dict[str, Any]]:
    """Of the kinds that name cases; at most as many as a reader keeps."""
    return [asdict(case) for one in brought.reports for case in one.results.not_passed]


def _write_report(run: Run, one: BroughtReport, *, position: int) -> None:
    """The files of a kind stand where a live run has a scenario execution with its only attempt."""
    now = timezone.now()
    execution = ScenarioExecution.objects.create(
        run=run,
        position=position,
        scenario=one.report.code,
        concurrency=1,
        planned_seconds=1,
        disk_bytes=0,
        state=ExecutionState.FINISHED.value,
        progress_ppm=1_000_000,
        attempt_count=1,
        started_at=run.started_at,
        finished_at=now,
    )
    attempt = Attempt.objects.create(execution=execution, number=1, started_at=now)
    Measurement.objects.bulk_create(
        Measurement(attempt=attempt, name=each.name, value=plain_decimal(each.value), unit=each.unit)
        for each in one.results.measurements
    )
    RunEvidence.objects.bulk_create(
        RunEvidence(run=run, execution=execution, attempt=attempt, role=role, evidence=evidence)
        for role, evidence in one.roles
    )
    attempt.state, attempt.finished_at = ExecutionState.FINISHED.value, now
    attempt.save()


def _build_name(text: str) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    is_shown = all(unicodedata.category(sign)[0] != "C" and sign not in "\u2028\u2029" for sign in name)
    if not (1 <= len(name) <= BUILD_NAME_CHARACTERS_MAX and is_shown):
        raise UnusableBuildName(field="build", high=BUILD_NAME_CHARACTERS_MAX)
    return name


def _whole_commit(text: str) -> str:
    commit = text.strip().lower()
    if not _COMMIT.fullmatch(commit):
        raise UnusableCommit(field="commit")
    return commit

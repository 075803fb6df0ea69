"""Scratch directories of attempts under `storage/runs`: made new for each attempt, deleted by age and size.

Journals under test are scratch: what counts of them is in the evidence. The last runs and failing ones stay so that
somebody can look, 20 GB at most (design.md 2).
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from testruns.gates.verdicts import Verdict
from testruns.models import Run, ScenarioExecution
from testruns.run_states import RunState

from .limits import SCRATCH_BYTES_MAX, SCRATCH_RUNS_KEPT

logger = logging.getLogger(__name__)

OVER = (RunState.JUDGED.value, RunState.CANCELLED.value, RunState.UNFINISHED.value)


def attempt_directory(*, execution: ScenarioExecution, number: int) -> Path:
    """Where attempt `number` of this execution lives: `storage/runs/<run>/<scenario>/<concurrency>-<attempt>`."""
    return _root() / str(execution.run_id) / execution.scenario / f"{execution.concurrency}-{number}"


def sweep(*, bytes_max: int = SCRATCH_BYTES_MAX, kept: int = SCRATCH_RUNS_KEPT) -> list[int]:
    """Delete scratch of runs that are over, except the last ones and failing ones, then the oldest until it fits.

    Returns the ids of the runs whose scratch was deleted. Runs that wait or work are never touched.
    """
    present = {int(path.name): path for path in _root().iterdir() if path.is_dir() and path.name.isdigit()}
    over = set(Run.objects.filter(pk__in=present, state__in=OVER).values_list("pk", flat=True))
    last = set(sorted(over)[-kept:])
    failing = _failing(over)
    deleted = [run_id for run_id in sorted(over) if run_id not in last | failing and _delete(present[run_id])]
    sizes = {run_id: _size(path) for run_id, path in present.items() if run_id not in deleted}
    for run_id in sorted(over - set(deleted)):
        if sum(sizes.values()) <= bytes_max:
            break
        if _delete(present[run_id]):
            deleted.append(run_id)
            del sizes[run_id]
    return deleted


def _root() -> Path:
    return Path(settings.STORAGE) / "runs"


def _failing(run_ids: set[int]) -> set[int]:
    failed = Q(rule_results__verdict__in=[Verdict.FAIL.value, Verdict.ERROR.value])
    return set(Run.objects.filter(failed, pk__in=run_ids).values_list("pk", flat=True).distinct())


def _delete(path: Path) -> bool:
    try:
        shutil.rmtree(path)
    except OSError:
        logger.exception("the scratch directory %s could not be deleted; the next sweep tries again", path)
        return False
    return True


def _size(path: Path) -> int:
    """Bytes really taken, so that sparse and preallocated files count as what they are."""
    return sum(entry.lstat().st_blocks * 512 for entry in path.rglob("*"))

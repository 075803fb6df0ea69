"""How the test run is spread over its workers, each of which is a process with a storage of its own.

What promises how soon processes do something stays on one worker, so that such tests never load each other; the rest
goes file by file to whoever is free, the long ones first, so that no worker is left with one of them while the others
have nothing to do. A file stays on one worker, so what its tests share is made once.
"""

from __future__ import annotations

import os

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling  # type: ignore[import-untyped]  # it carries no types

NICENESS = 5
ALONE = "one at a time"
_ONE_AT_A_TIME = (
    "console/tests/api/test_several_workers",
    "console/tests/client/test_against_the_console",
    "console/tests/supervisor/",
    "ledger/tests/credits/test_karma",
    "testruns/tests/runs/test_cluster",
    "testruns/tests/runs/test_execution",
    "testruns/tests/runs/test_incoming",
    "testruns/tests/runs/test_locked_database",
    "testruns/tests/runs/test_reaping",
    "testruns/tests/runs/test_run_live_tests",
    "testruns/tests/runs/test_workers",
    "testruns/tests/scenarios/test_environment",
    "testruns/tests/scenarios/test_load",
    "testruns/tests/scenarios/test_processes",
    "testruns/tests/scenarios/test_runner",
    "testruns/tests/scenarios/test_sampling",
)
_TOGETHER = ("console/tests/backup/",)
"""Files of a folder that share what is dear to make."""
_LONG = (
    "testruns/tests/scenarios/test_planted_faults",
    "console/tests/browser/test_in_the_browser",
    "testruns/tests/scenarios/test_sound_ledger",
    "console/tests/releases_pages/test_every_page",
    "console/tests/releases/test_a_real_release",
    "console/tests/backup/",
    "console/tests/postgresql/",
    "ledger/tests/mutants/",
    "ledger/tests/simulation/",
    "console/tests/releases_pages/",
    "console/tests/releases/",
    "console/tests/browser/",
    "console/tests/signing/",
    "ledger/tests/test_bench",
    "ledger/tests/engine/test_processes",
)


class Spreading(LoadScopeScheduling):  # type: ignore[misc]  # so its base is unknown
    """The scheduler of the run: what `group_of` names alike goes to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Spreading:
    """Ours, whatever --dist says: the groups that --dist loadgroup knows are marks it may not find."""
    return Spreading(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long ones in front."""
    items.sort(key=lambda item: (_rank_of(_file_of(item)), _file_of(item)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A worker gives way to the one with the tests that promise how soon, which is told them before anything else."""
    is_worker = hasattr(item.config, "workerinput")
    if is_worker and group_of(_file_of(item)) != ALONE and os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)


def group_of(file: str) -> str:
    """What stays on one worker: all that is alone, a folder that shares, else the file itself."""
    if file.startswith(_ONE_AT_A_TIME):
        return ALONE
    return next((folder for folder in _TOGETHER if file.startswith(folder)), file)


def _file_of(item: pytest.Item) -> str:
    return item.path.relative_to(item.config.rootpath).as_posix()


def _rank_of(file: str) -> int:
    names: tuple[str | tuple[str, ...], ...] = (_ONE_AT_A_TIME, *_LONG)
    return next((rank for rank, name in enumerate(names) if file.startswith(name)), len(names))

"""Which test runs which line of the engine, and what it costs: a change needs only the tests that reach it.

The tests are imported and collected once. Each change is made in a forked child, in which its tests run at once.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

import coverage
import pytest

from ledger.tests.mutants.planting import killed_by, said_by_child, swap_function

ROOT = Path(__file__).parents[3]
ENGINE = ROOT / "ledger" / "engine"
FOLDERS = ("contract", "engine", "snapshots", "proof", "mutants/test_planted.py")
_OTHERS = "full_disk or test_state_machine or (proof and test_processes)"
_LONG = "killing_writers or second_reader or (test_planted and (errors_of_writes or damage))"
_PLANTING = "planted_bug or planting or there_are or listed"
CHOSEN = f"not ({_OTHERS} or {_LONG} or {_PLANTING})"
"""Without those that mount a file system, which would stay when one is killed, try at random or start Python anew;
those that take long; and those that plant something themselves."""
PATIENCE_SECONDS = 30
PATIENCE_FACTOR = 20
IMPORT_SECONDS = 600
MEMORY_BYTES = 4 * 2**30


class Reach(NamedTuple):
    """A test by its name for pytest, the CPU seconds it took in the engine as it is, and its lines by module."""

    name: str
    seconds: float
    lines: dict[str, list[int]]


class Tests:
    """pytest with everything collected. ``work`` runs in it, and asks for the tests one by one."""

    def __init__(self, work: Callable[[Tests], object]) -> None:
        self._work = work
        self._items: dict[str, pytest.Item] = {}
        self._failed = ""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of running all of them once."""
        self._items = {item.nodeid: item for item in session.items}
        gc.freeze()
        self._work(self)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first that fails is enough."""
        if report.failed and not self._failed:
            self._failed = f"{report.nodeid} {' '.join(report.longreprtext.split())[-140:]}"

    def reach(self, modules: Sequence[str]) -> list[Reach]:
        """Every test. An engine in which one of them fails cannot be judged: RuntimeError."""
        home = Path(mkdtemp())
        try:
            wrong = said_by_child(lambda: self._note(modules, home / "reach.json"))
            if wrong:
                raise RuntimeError(wrong)
            return [Reach(*fields) for fields in json.loads((home / "reach.json").read_text())]
        finally:
            shutil.rmtree(home)

    def _note(self, modules: Sequence[str], target: Path) -> str:
        files = {module: str(ENGINE / f"{module}.py") for module in modules}
        cover = coverage.Coverage(data_file=None, config_file=False, include=list(files.values()))
        cover.start()
        seconds = {}
        for name, took in self._run(list(self._items), {}, cover.switch_context):
            seconds[name] = took
        cover.stop()
        lines: dict[str, dict[str, list[int]]] = {name: {} for name in self._items}
        for module, file in files.items():
            for line, names in cover.get_data().contexts_by_lineno(file).items():
                for name in filter(None, names):
                    lines[name].setdefault(module, []).append(line)
        target.write_text(json.dumps([Reach(name, took, lines[name]) for name, took in seconds.items()]))
        return self._failed

    def _run(
        self, names: Sequence[str], seconds: dict[str, float], tell: Callable[[str], object] = str
    ) -> Iterator[tuple[str, float]]:
        """Each and what it took, until one fails. One that hangs is ended by the alarm, and the process with it."""
        items = [self._items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            tell(item.nodeid)
            began = sum(os.times()[:4])
            signal.alarm(PATIENCE_SECONDS + int(PATIENCE_FACTOR * seconds.get(item.nodeid, PATIENCE_SECONDS)))
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            signal.alarm(0)
            yield item.nodeid, sum(os.times()[:4]) - began
            if self._failed:
                return

    def found_by(self, tests: Sequence[Reach], *, module: str, function: str, source: bytes) -> str:
        """What the first of ``tests`` that fails says when ``module`` has this source; nothing if none does."""
        name, seconds = f"ledger.engine.{module}", {test.name: test.seconds for test in tests}

        def swapped() -> str:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            swap_function(name, function, source)
            all(self._run(list(seconds), seconds))
            return self._failed

        def imported() -> str:
            anew = Tests(lambda tests: all(tests._run(list(seconds), seconds)))
            collect(anew)
            return anew._failed

        if not function:
            return killed_by(imported, module=name, source=source, seconds=IMPORT_SECONDS)
        return said_by_child(swapped)


def collect(tests: Tests) -> None:
    """pytest in this process, without the console around it."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    home = mkdtemp()
    plain = ["-c", "/dev/null", f"--rootdir={ROOT}", f"--confcutdir={ROOT / 'ledger'}", "--import-mode=importlib"]
    quiet = ["-q", "-s", "-p", "no:cacheprovider", "-W", "error", "-W", "ignore::pytest.PytestUnknownMarkWarning"]
    paths = [str(ROOT / "ledger" / "tests" / folder) for folder in FOLDERS]
    said = io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(said):
            code = pytest.main([*plain, *quiet, f"--basetemp={home}/tmp", "-k", CHOSEN, *paths], plugins=[tests])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            raise RuntimeError(said.getvalue()[-2000:])
    finally:
        shutil.rmtree(home, ignore_errors=True)

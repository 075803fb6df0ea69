"""The run is spread so that what belongs together stays on one worker, whatever pytest and its plugins become."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from console.tests.source_files import ROOT

FILES = {
    "console/tests/supervisor/test_up.py": "alone",
    "console/tests/test_other.py": "other",
    "testruns/tests/runs/test_workers.py": "alone",
}
TESTS = """
import os
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(8))
def test_one(number):
    (Path(os.environ["SEEN"]) / f"{GROUP}-{os.environ['PYTEST_XDIST_WORKER']}-{__name__}-{number}").touch()
"""


def test_groups_stay_whole_when_two_workers_share_the_run(tmp_path: Path) -> None:
    """24 tests of two groups, three files: each group is on one worker, and both work."""
    (tmp_path / "seen").mkdir()
    for name, group in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"GROUP = {group!r}\n{TESTS}")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p no:django -p no:cacheprovider")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "console.tests.spreading", "-n2", "--no-loadscope-reorder", *FILES],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "SEEN": str(tmp_path / "seen")},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    workers = defaultdict(list)
    for path in (tmp_path / "seen").iterdir():
        group, worker, _ = path.name.split("-", 2)
        workers[group].append(worker)
    assert {group: len(of) for group, of in workers.items()} == {"alone": 16, "other": 8}
    assert [len(set(of)) for of in workers.values()] == [1, 1]
    assert set(workers["alone"]) != set(workers["other"])

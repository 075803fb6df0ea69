"""A real `manage.py up` on a storage of its own, and every process that belongs to it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil

from console.tests.waiting import PATIENT_SECONDS, wait_until

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 60.0
REQUEST_RUN = """
import django
django.setup()
from console.kernel.acts import Actor
from console.kernel.models import Person
from testruns.actions import request_run
from testruns.plan import RunPlan

tester = Actor(person=Person.objects.get(username="tester"), via="command")
request_run(actor=tester, plan=RunPlan(profile="own", scenarios=("credit_storm",), duration_seconds=30))
"""
CANCEL_RUNS = """
import django
django.setup()
from console.kernel.acts import Actor
from console.kernel.models import Person
from testruns.actions import cancel_run
from testruns.models import Run

tester = Actor(person=Person.objects.get(username="tester"), via="command")
for run in Run.objects.all():
    cancel_run(actor=tester, run_id=run.pk)
"""


class ConsoleProcess:
    """Starts the console on a port from the system, and hears what it prints."""

    def __init__(self, *, storage: Path, arguments: tuple[str, ...] = (), port: int = 0) -> None:
        self.storage = storage
        self.environment = dict(os.environ) | {
            "GATEHOUSE_STORAGE": str(storage),
            "DJANGO_SETTINGS_MODULE": "console.settings",
        }
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *arguments],
            cwd=ROOT,
            env=self.environment | {"PORT": str(port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._hear, daemon=True)
        self._reader.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(line.rstrip("\n") for line in output)

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return "\n".join(self.lines)

    @property
    def url(self) -> str:
        """The address it printed; waits until it has."""
        self.wait_for("Gatehouse answers at ")
        line = next(line for line in self.lines if "Gatehouse answers at " in line)
        return line.split("answers at ")[1].split()[0]

    def wait_for(self, words: str, *, timeout_seconds: float = READY_SECONDS) -> None:
        """Wait until a printed line holds these words."""

        def is_heard() -> bool:
            assert self.process.poll() is None or words in self.output, f"it ended instead:\n{self.output}"
            return words in self.output

        wait_until(is_heard, timeout_seconds=timeout_seconds, what=f"{words!r} in the output:\n{self.output}")

    def get(self, path: str) -> tuple[int, dict[str, str]]:
        """Status and headers of a page, redirects followed."""
        with urlopen(self.url.rstrip("/") + path, timeout=PATIENT_SECONDS) as answer:  # noqa: S310 - our own address
            return answer.status, dict(answer.headers)

    def processes(self) -> list[psutil.Process]:
        """Every living process of this storage, the supervisor included."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def process_named(self, words: str) -> psutil.Process:
        """The oldest living process of this storage whose command line holds these words."""
        found = [process for process in self.processes() if words in _command_line(process)]
        assert found, f"no process of {words!r} is running"
        return min(found, key=lambda process: process.create_time())

    def is_running(self, words: str) -> bool:
        """Whether a process with these words in its command line belongs to this storage."""
        return any(words in _command_line(process) for process in self.processes())

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get("GATEHOUSE_STORAGE") == str(self.storage)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def begin_scenario(self) -> None:
        """Request a run as the tester, and wait until its first scenario is under way."""
        self._run(REQUEST_RUN)
        wait_until(lambda: self.is_running("testruns.runner"), timeout_seconds=30, what="a scenario under way")

    def cancel_runs(self) -> None:
        """Cancel every run as the tester; a console that works on none costs the machine little."""
        self._run(CANCEL_RUNS)

    def _run(self, program: str) -> None:
        """A program on this storage."""
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=self.environment, check=True, timeout=PATIENT_SECONDS
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database of this storage holds."""
        with closing(sqlite3.connect(f"file:{self.storage / 'gatehouse.sqlite3'}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal to the supervisor alone, as the terminal's Ctrl-C or a kill does, and wait for its end."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENT_SECONDS)
        self._reader.join(timeout=PATIENT_SECONDS)
        return code

    def seconds_until_nothing_is_left(self, *, timeout_seconds: float) -> float:
        """Wait until no process of this storage lives."""
        return wait_until(
            lambda: not self.processes(),
            timeout_seconds=timeout_seconds,
            what=f"the end of {[_command_line(process) for process in self.processes()]}",
        )


def _command_line(process: psutil.Process) -> str:
    """Empty for one that has ended since it was found."""
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""

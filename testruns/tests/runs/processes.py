"""Real processes for the tests of the queue: a django-q cluster, and a worker without a queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

import psutil

from console.supervisor.loop import worker_argv
from console.tests.waiting import until
from testruns.processes import ROOT, is_running

WORKER = """
import django, sys
django.setup()
from testruns.actions.execution import _execute
from testruns.actions.watching import Surroundings
print(_execute(execution_id=int(sys.argv[1]), surroundings=Surroundings(), module=sys.argv[2]))
"""


def product_environment() -> dict[str, str]:
    """The product's own settings on the storage and database of the test."""
    return os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings"}


def start_worker(*, execution_id: int, child: str) -> subprocess.Popen[str]:
    """A process that executes one execution with a scripted child and prints what came out."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(execution_id), f"testruns.tests.runs.children.{child}"],
        cwd=ROOT,
        env=product_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


@dataclass(kw_only=True)
class Cluster:
    """A real `manage.py qcluster` in a session of its own, killed as a group at the end."""

    pids_seen: set[int] = field(default_factory=set)
    _beside_the_worker: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until its worker, monitor and pusher are there."""
        self._process = subprocess.Popen(worker_argv(), cwd=ROOT, env=product_environment(), start_new_session=True)
        until(lambda: len(self.inner_pids()) >= 3, seconds=15)
        self._beside_the_worker = self.inner_pids()[1:]

    def inner_pids(self) -> list[int]:
        """Worker, monitor and pusher, in the order in which the sentinel starts them."""
        assert self._process is not None
        sentinels = psutil.Process(self._process.pid).children()
        inner = [child for sentinel in sentinels for child in sentinel.children()]
        pids = [process.pid for process in sorted(inner, key=lambda process: (process.create_time(), process.pid))]
        self.pids_seen.update(pids)
        return pids

    @property
    def worker_pid(self) -> int:
        """The process that executes tasks; one that replaced another is younger than monitor and pusher."""
        return next(pid for pid in self.inner_pids() if pid not in self._beside_the_worker)

    def kill(self) -> None:
        """SIGKILL to every process of the cluster, as a machine that fails would do it."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None


def group_of(pid: int) -> list[int]:
    """Every running process of the process group."""
    return [one for one in psutil.pids() if is_running(one) and _group(one) == pid]


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None

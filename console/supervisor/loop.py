"""Keeps web server, task worker, notifier, signer and guard going until stopped, and looks after the queue."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import DatabaseError, close_old_connections

from console.supervisor import address
from console.supervisor.child import Child
from console.supervisor.guarding import Guarding
from testruns.actions import queue_is_stuck, reap

TURN_SECONDS = 0.2
REAP_SECONDS = 5.0
STOP_SECONDS = 8.0
DEATHS_BEFORE_READY_MAX = 4
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LIFELINE_VARIABLE = "GATEHOUSE_LIFELINE_FD"
_ROOT = Path(settings.BASE_DIR)


class NeverReady(Exception):
    """A child died again and again before the first page was served."""


@dataclass(kw_only=True)
class Supervisor:
    """Runs the group around one listening socket. `say` prints a line for the person at the terminal."""

    listener: socket.socket
    say: Callable[[str], None]
    parent: int | None = None  # stop when this process is no longer the parent
    _is_stopping: bool = False
    _is_ready: bool = False
    _began: float = field(default_factory=time.monotonic)
    _reap_due: float = 0.0

    def run(self) -> None:
        """Start everything, keep it going, and return when it was stopped and nothing is left.

        Raises `NeverReady` when the web server or the worker cannot be brought up at all.
        """
        with _signals_wake() as wake, closing(Guarding()) as guarding, _lifeline() as (lifeline, cut_lifeline):
            for number in STOP_SIGNALS:
                if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup means: go on
                    signal.signal(number, self._stop)
            children = [self._web_server(guarding), self._worker(guarding, lifeline)]
            try:
                for child in children:
                    child.start()
                while not self._is_stopping:
                    self._turn(children, guarding)
                    select.select([wake], [], [], TURN_SECONDS)
                self.say("Stopping …")
            finally:
                cut_lifeline()
                stop(children)
        self.say("Stopped; nothing is left running.")

    def _turn(self, children: list[Child], guarding: Guarding) -> None:
        if self.parent is not None and os.getppid() != self.parent:
            self._is_stopping = True
            return
        if guarding.renew():
            self.say("The guard had ended; another one has taken its place.")
        for child in children:
            self._look_after(child)
        if not self._is_ready and self._greet():
            children += [self._notifier(guarding), self._signer(guarding)]  # the next turn starts them: nobody waits
        if time.monotonic() >= self._reap_due:
            self._reap_due = time.monotonic() + REAP_SECONDS
            self._look_after_queue(worker=children[1])

    def _look_after(self, child: Child) -> None:
        code = child.take_death()
        if code is not None:
            if not self._is_ready and child.death_count > DEATHS_BEFORE_READY_MAX:
                raise NeverReady(f"The {child.name} ended {child.death_count} times before the first page was served.")
            self.say(f"The {child.name} ended ({_how(code)}); it starts again in {child.backoff_seconds:.0f} s.")
        if child.is_due:
            child.start()

    def _greet(self) -> bool:
        """Print the address once it answers; until then every turn asks. Returns whether it does."""
        port = self.listener.getsockname()[1]
        host = settings.ALLOWED_HOSTS[0]
        if address.answers(port=port, host=host, is_behind_https=settings.PRODUCTION):
            self._is_ready = True
            seconds = time.monotonic() - self._began
            self.say(f"Gatehouse answers at {address.url_of(self.listener)} (after {seconds:.1f} s). Ctrl-C stops it.")
        return self._is_ready

    def _look_after_queue(self, *, worker: Child) -> None:
        """Mark what lost its worker; replace a worker whose queue has died. A busy database waits for the next turn."""
        close_old_connections()
        try:
            reaped = reap()
            is_stuck = queue_is_stuck(cluster_started_at=worker.started_at)
        except DatabaseError as trouble:
            self.say(f"The queue could not be looked after this time: {trouble}")
            return
        if reaped:
            self.say(f"{reaped} scenario execution(s) had lost their worker or waited in vain; see the runs.")
        if is_stuck and not worker.has_ended:
            self.say("The task worker no longer takes tasks; it is replaced.")
            worker.kill()
            worker.start()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._is_stopping = True

    def _web_server(self, guarding: Guarding) -> Child:
        number = self.listener.fileno()
        return Child(
            name="web server",
            argv=web_server_argv(descriptor=number),
            environment=_environment(),
            inherited=[number],
            guarding=guarding,
        )

    def _notifier(self, guarding: Guarding) -> Child:
        """In a process of its own, because a mail server may let it wait."""
        is_named = settings.PRODUCTION or os.environ.get("GATEHOUSE_BASE_URL")
        here = {} if is_named else {"GATEHOUSE_BASE_URL": address.url_of(self.listener).rstrip("/")}
        return Child(
            name="notifier",
            argv=[sys.executable, str(_ROOT / "manage.py"), "notify"],
            environment=_environment() | here,
            inherited=(),
            guarding=guarding,
        )

    def _signer(self, guarding: Guarding) -> Child:
        """Takes the checkpoints of the live journal: beside its writers, and with the key in no other process."""
        return Child(
            name="signer of checkpoints",
            argv=[sys.executable, str(_ROOT / "manage.py"), "ledger", "checkpoint", "--watch"],
            environment=_environment(),
            inherited=(),
            guarding=guarding,
        )

    def _worker(self, guarding: Guarding, lifeline: int) -> Child:
        return Child(
            name="task worker",
            argv=worker_argv(),
            environment=_environment() | {LIFELINE_VARIABLE: str(lifeline)},
            inherited=[lifeline],
            guarding=guarding,
        )


def web_server_argv(*, descriptor: int) -> list[str]:
    """The command of the web server on an inherited listening socket."""
    options = {
        "--bind": f"fd://{descriptor}",
        "--worker-class": "console.supervisor.web_worker.WebWorker",
        "--workers": str(settings.WEB_PROCESSES),
        "--threads": str(settings.WEB_THREADS),
        "--keep-alive": "15",  # longer than the screens' poll of 2 s
        "--graceful-timeout": "5",
        "--log-level": "warning",
    }
    flags = [word for option in options.items() for word in option] + ["--preload", "--no-control-socket"]
    return [sys.executable, "-m", "gunicorn", *flags, "console.wsgi:application"]


def worker_argv() -> list[str]:
    """The command of the task worker. `up` has just checked the queue's settings, and the worker needs no addresses."""
    return [sys.executable, str(_ROOT / "manage.py"), "qcluster", "--skip-checks"]


def stop(children: list[Child]) -> None:
    """Ask every child to stop, wait for as long as a graceful end may take, then kill what is left of the groups."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_SECONDS
    while not all(child.has_ended for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in children:
        child.kill()


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"DJANGO_SETTINGS_MODULE": "console.settings", "PYTHONUNBUFFERED": "1"}


def _how(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@contextmanager
def _signals_wake() -> Iterator[int]:
    """A descriptor that becomes readable when a signal arrives, so that no signal waits for the end of a turn."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    previous = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(previous)
        os.close(readable)
        os.close(writable)


@contextmanager
def _lifeline() -> Iterator[tuple[int, Callable[[], None]]]:
    """A pipe whose write end only this process holds: when it closes, tasks kill their children and return."""
    readable, writable = os.pipe()
    ends = [writable]

    def cut() -> None:
        while ends:
            os.close(ends.pop())

    try:
        yield readable, cut
    finally:
        cut()
        os.close(readable)

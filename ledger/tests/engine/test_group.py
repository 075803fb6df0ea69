"""The queue in front of a journal: everybody gets an answer, whatever happens to those before them."""

import signal
import threading
from collections.abc import Callable
from types import FrameType

import pytest

from console.tests.waiting import wait_until
from ledger.engine import Receipt
from ledger.engine.env import OsEnv
from ledger.engine.group import Group, Request
from ledger.tests.engine.counting import command


class Served:
    """A group whose flushes wait at a gate, so that a test says who is in which."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.flushes: list[int] = []
        self.answered: list[str] = []
        self.group = Group(OsEnv(), self._serve)
        self._threads: list[threading.Thread] = []

    def _serve(self, requests: list[Request]) -> int:
        self.gate.wait()
        if self.flushes:
            self.group.gather(requests)
        self.flushes.append(len(requests))
        for request in requests:
            request.receipt = Receipt(events=(), is_repeated=False)
        return len(requests)

    def submit_beside(self, key: str) -> None:
        """From a thread of its own; returns once it leads or waits."""
        before = self.waiting()

        def submit() -> None:
            self.group.submit(command(key))
            self.answered.append(key)

        thread = threading.Thread(target=submit, daemon=True)
        self._threads.append(thread)
        thread.start()
        _until(lambda: self.waiting() > before or self.group._lead.locked())

    def waiting(self) -> int:
        return len(self.group._waiting)

    def everybody_left(self) -> bool:
        """Whether all threads end; a request that nobody wakes would stay for ever."""
        for thread in self._threads:
            thread.join(10)
        return not any(thread.is_alive() for thread in self._threads)


def _until(is_true: Callable[[], bool]) -> None:
    wait_until(is_true, timeout_seconds=10, what="the queue as the test wants it")


def test_all_who_wait_are_answered_by_one_flush_and_each_wakes_the_next() -> None:
    """The first flush had one command; whoever came during it shares the second."""
    served = Served()
    served.submit_beside("leader")
    _until(lambda: not served.waiting())
    for number in range(20):
        served.submit_beside(f"waiter-{number}")
        _until(lambda number=number: served.waiting() == number + 1)  # type: ignore[misc]

    served.gate.set()

    assert served.everybody_left()
    assert served.flushes == [1, 20]
    assert len(served.answered) == 21


def test_an_interrupt_waits_for_the_answer_so_that_those_behind_get_theirs() -> None:
    """Ctrl-C in a thread that waits reaches its caller, once its command is answered and the next one is woken."""
    served = Served()
    interrupted = threading.Event()

    def interrupt(signum: int, frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def beside() -> None:
        _until(lambda: served.waiting() == 1)
        for number in range(3):
            served.submit_beside(f"behind-{number}")
            _until(lambda number=number: served.waiting() == number + 2)  # type: ignore[misc]
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)
        interrupted.wait(10)
        served.gate.set()

    served.submit_beside("leader")
    _until(lambda: not served.waiting())
    before = signal.signal(signal.SIGUSR2, interrupt)
    other = threading.Thread(target=beside, daemon=True)
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            served.group.submit(command("interrupted"))
    finally:
        signal.signal(signal.SIGUSR2, before)

    other.join(10)
    assert served.everybody_left()
    assert sorted(served.answered) == ["behind-0", "behind-1", "behind-2", "leader"]

"""Threads that run one at a time, in an order that follows from a seed.

Each simulated thread is a real one that waits for its baton. At every effect it may hand the baton on, so the order of
effects of all threads of all processes is decided here, and the same seed decides the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

from ledger.engine.env import Mutex

_DEATHS_MAX = 100  # far more effects than any thread has left to try on its way out


class Killed(BaseException):
    """The process of this thread is dead; nothing it still does has an effect."""


class Task:
    """One simulated thread of a process. ``error`` is what it ended with, if that was not its death."""

    __slots__ = ("baton", "deaths", "error", "is_over", "name", "process", "waits_for")

    def __init__(self, name: str, process: int) -> None:
        self.name = name
        self.process = process
        self.baton = threading.Lock()
        self.baton.acquire()
        self.waits_for: Callable[[], bool] | None = None
        self.is_over = False
        self.deaths = 0
        self.error: BaseException | None = None


class Turns:
    """Who runs next. ``switching``: the probability of handing on at an effect; ``stuck``: who waited for ever,
    ``errors``: what threads ended with."""

    def __init__(self, chance: Random, *, switching: float) -> None:
        self._chance = chance
        self._switching = switching
        self._tasks: list[Task] = []
        self._current: Task | None = None
        self._dead: set[int] = set()
        self._is_finished = threading.Event()
        self.stuck = ""
        self.errors: list[BaseException] = []

    @property
    def name(self) -> str:
        """Of the task that runs."""
        return self._current.name if self._current is not None else "-"

    def spawn(self, work: Callable[[], object], *, name: str, process: int) -> Task:
        """One more thread; it runs when its turn comes."""
        task = Task(name, process)
        self._tasks.append(task)
        threading.Thread(target=self._live, args=(task, work), name=name, daemon=True).start()
        return task

    def _live(self, task: Task, work: Callable[[], object]) -> None:
        task.baton.acquire()
        try:
            if task.process not in self._dead:
                work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # whoever ran the simulation judges it
            task.error = error
            self.errors.append(error)
        self._end(task)

    def _end(self, task: Task) -> None:
        task.is_over = True
        self._tasks.remove(task)
        self._give_to(self._choose())

    def run(self) -> None:
        """Until every thread is over."""
        self._is_finished.clear()
        self._give_to(self._choose())
        self._is_finished.wait()
        self._current = None

    def _give_to(self, task: Task | None) -> None:
        self._current = task
        if task is None:
            self._is_finished.set()
        else:
            task.baton.release()

    def _choose(self) -> Task | None:
        """Any task that can run; the dead can, to end. If nobody can, all of them are stuck and die."""
        if not self._tasks:
            return None
        ready = [
            task for task in self._tasks if task.waits_for is None or task.process in self._dead or task.waits_for()
        ]
        if not ready:
            self.stuck = ", ".join(task.name for task in self._tasks)
            self._dead.update(task.process for task in self._tasks)
            ready = self._tasks
        return ready[self._chance.randrange(len(ready))]

    def pause(self) -> None:
        """An effect is about to happen: perhaps somebody else's comes first. Raises Killed in a dead process."""
        task = self._alive()
        if self._chance.random() < self._switching:
            self._switch(task)

    def wait(self, is_free: Callable[[], bool]) -> None:
        """Until ``is_free`` holds."""
        task = self._alive()
        task.waits_for = is_free
        try:
            while not is_free():
                self._switch(task)
        finally:
            task.waits_for = None

    def _switch(self, task: Task) -> None:
        chosen = self._choose()
        if chosen is not task:
            self._give_to(chosen)
            task.baton.acquire()
        if task.process in self._dead:
            raise Killed

    def _alive(self) -> Task:
        """Who runs. One that is told of its death again and again waits for somebody who died too: it stays there."""
        task = self._current
        assert task is not None
        if task.process in self._dead:
            task.deaths += 1
            if task.deaths > _DEATHS_MAX:
                self._end(task)
                threading.Event().wait()
            self._switch(task)
        return task

    def kill(self, process: int) -> None:
        """Its threads end at their next effect, which does not happen any more."""
        self._dead.add(process)

    def is_dead(self, process: int) -> bool:
        """Whether it was killed."""
        return process in self._dead

    def mutex(self, process: int) -> Mutex:
        """A lock among the threads of one process."""
        return _Mutex(self, process)


class _Mutex:
    __slots__ = ("_is_taken", "_process", "_turns")

    def __init__(self, turns: Turns, process: int) -> None:
        self._turns = turns
        self._process = process
        self._is_taken = False

    def acquire(self, blocking: bool = True) -> bool:
        """Like threading.Lock."""
        self._turns.pause()
        if not blocking and self._is_taken:
            return False
        self._turns.wait(lambda: not self._is_taken)
        self._is_taken = True
        return True

    def release(self) -> None:
        """Like threading.Lock."""
        self._is_taken = False
        if not self._turns.is_dead(self._process):
            self._turns.pause()

    def locked(self) -> bool:
        """Like threading.Lock."""
        return self._is_taken

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

"""Real processes on a real disk, each killed with SIGKILL again and again while the others go on.

Nothing that was acknowledged is lost, no key is there twice, the chain is whole over all segments, and the answers of
all of them can have happened in the order of the journal.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from ledger.engine import Journal
from ledger.simulation.outcome import Outcome
from ledger.torture.history import Answer, answer_of, contradictions
from ledger.torture.writer import Balances

_THREADS = 2
_TOLD = {"recorded": "commands recorded", "repeated": "answered again", "refused": "refused by a rule"}
_ANSWERS_MAX = 120
_FINDINGS_MAX = 5
_PATIENCE_SECONDS = 60


class _Writer:
    """One process after the other under one name: each goes on with the command whose answer the last one never had."""

    def __init__(self, home: Path, name: str, segment_bytes: int) -> None:
        self._home = home
        self._name = name
        self._segment_bytes = segment_bytes
        self._nexts = [0] * _THREADS
        self._rest = b""
        self.answers: list[Answer] = []
        self.due = 0
        self.child = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        firsts = ",".join(map(str, self._nexts))
        arguments = [str(self._home), self._name, "0", firsts, str(self._segment_bytes)]
        return subprocess.Popen([sys.executable, "-m", "ledger.torture.writer", *arguments], stdout=subprocess.PIPE)

    @property
    def output(self) -> int:
        """The descriptor of what it says."""
        assert self.child.stdout is not None
        return self.child.stdout.fileno()

    def hear(self) -> bool:
        """Take what it said; whether it still can say more."""
        said = os.read(self.output, 65_536)
        *lines, self._rest = (self._rest + said).split(b"\n")
        for line in lines:
            answer = answer_of(line.decode())
            name, _, number = answer.key.rpartition("-")
            self._nexts[int(name.rpartition(".")[2])] = int(number) + 1
            self.answers.append(answer)
        return bool(said)

    def kill(self) -> int:
        """SIGKILL, then everything it had said; the answer is how it ended, to a second call too."""
        self.child.send_signal(signal.SIGKILL)
        assert self.child.stdout is not None
        if not self.child.stdout.closed:
            while self.hear():
                pass
            self._rest = b""
            self.child.stdout.close()
        return self.child.wait()

    def revive(self) -> None:
        """A new process goes on."""
        with _until_known():
            self.child = self._start()


@contextmanager
def _until_known() -> Iterator[None]:
    """SIGTERM waits until who would end a process that is being started knows it; else it would stay, and write on."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        for number in came:
            signal.raise_signal(number)


def kill_everywhere(
    *, home: Path, seed: int, kills: int, operations: int, writers: int = 4, segment_bytes: int = 65_536
) -> Outcome:
    """Let ``writers`` processes work in a new journal until so many were killed and so many answers came."""
    outcome = Outcome(suite="kills", unit="operations")
    chance = Random(seed)
    Journal.open(path=home, state=Balances(), segment_bytes=segment_bytes).close()
    with selectors.DefaultSelector() as selector:
        everybody: list[_Writer] = []
        try:
            with _until_known():
                everybody.extend(_Writer(home, f"w{number}", segment_bytes) for number in range(writers))
            _go_on(everybody, selector, chance, kills, operations, outcome)
        finally:
            for writer in everybody:
                if (ended := writer.kill()) != -signal.SIGKILL:
                    outcome.findings.append(f"seed {seed}: a writer ended by itself with status {ended}")
    answers = [answer for writer in everybody for answer in writer.answers]
    outcome.tried = outcome.distinct = len(answers)
    for answer in answers:
        outcome.count(_TOLD[answer.word])
    outcome.findings += [f"seed {seed}: {wrong}" for wrong in _judged(home, answers, outcome)[:_FINDINGS_MAX]]
    return outcome


def _go_on(
    everybody: list[_Writer],
    selector: selectors.BaseSelector,
    chance: Random,
    kills: int,
    operations: int,
    outcome: Outcome,
) -> None:
    for writer in everybody:
        _watch(writer, selector, chance)
    killed = 0
    while killed < kills or sum(len(writer.answers) for writer in everybody) < operations:
        ready = selector.select(_PATIENCE_SECONDS)
        if not ready:
            outcome.findings.append(f"nobody was answered for {_PATIENCE_SECONDS} seconds")
            return
        for key, _ in ready:
            spoken: _Writer = key.data
            if not spoken.hear():
                outcome.findings.append("a writer fell silent")
                return
            if len(spoken.answers) >= spoken.due and killed < kills:
                selector.unregister(key.fileobj)
                spoken.kill()
                killed += 1
                spoken.revive()
                _watch(spoken, selector, chance)
    outcome.count("kills", killed)


def _watch(writer: _Writer, selector: selectors.BaseSelector, chance: Random) -> None:
    writer.due = len(writer.answers) + chance.randint(1, _ANSWERS_MAX)
    selector.register(writer.output, selectors.EVENT_READ, writer)


def _judged(home: Path, answers: list[Answer], outcome: Outcome) -> list[str]:
    """What is wrong with the journal that is left, read from its first byte."""
    journal = Journal.open(path=home, state=Balances(), from_snapshot=False)
    try:
        status = journal.status
        outcome.count("events", status.head.seq)
        outcome.count("segments sealed", status.segments - 1)
        outcome.count("torn ends mended", sum(1 for _ in journal.read(types=["journal.recovered"])))
        if status.state != "normal":
            return [f"the journal is {status.state}: {status.reason}"]
        return contradictions(answers, journal.read())
    finally:
        journal.close()

"""Whatever is done to a journal in whatever order, it is what a list of events and a few dictionaries say it is.

15 examples of 50 steps; 200 of them with `--hypothesis-profile=plan`, as continuous integration runs it.
"""

from random import Random
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from ledger.engine import Command, Journal, NewEvent
from ledger.engine.errors import Conflict, IdempotencyMismatch
from ledger.simulation import SimDisk, SimEnv
from ledger.simulation.client import HOME
from ledger.tests.engine.counting import Counting, command, event

STREAMS = [f"agent:{name}" for name in "abc"]
STREAM = st.sampled_from(STREAMS)
SHAPE = st.lists(st.tuples(STREAM, st.integers(-5, 50), st.integers(0, 900)), min_size=1, max_size=4)


class JournalMachine(RuleBasedStateMachine):
    """The model: ``recorded`` events of users in order, the commands by key, and nothing that was refused."""

    commands = Bundle("commands")
    begun: ClassVar[int] = 0

    @initialize(segment_bytes=st.sampled_from([4096, 8192, 65_536]))
    def begin(self, segment_bytes: int) -> None:
        """An empty journal on an empty disk."""
        JournalMachine.begun += 1
        self.segment_bytes = segment_bytes
        self.disk = SimDisk()
        self.recorded: list[tuple[str, int]] = []
        self.seqs: dict[str, tuple[int, ...]] = {}
        self.count = 0
        self._open()

    def _open(self) -> None:
        self.state = Counting()
        self.journal = Journal.open(
            path=HOME, state=self.state, env=SimEnv(self.disk), segment_bytes=self.segment_bytes
        )

    def _drafts(self, shape: list[tuple[str, int, int]]) -> list[NewEvent]:
        return [event(stream, amount, "x" * size) for stream, amount, size in shape]

    def _version(self, stream: str) -> int:
        return sum(one == stream for one, _ in self.recorded)

    def _took(self, asked: Command, shape: list[tuple[str, int, int]]) -> None:
        receipt = self.journal.execute(asked)
        assert not receipt.is_repeated
        assert [(one.stream, one.data["amount_micros"]) for one in receipt.events] == [one[:2] for one in shape]
        for one in receipt.events:
            self.recorded.append((one.stream, one.data["amount_micros"]))
            assert one.version == self._version(one.stream)
        self.seqs[asked.key] = tuple(one.seq for one in receipt.events)

    @rule(target=commands, shape=SHAPE)
    def record(self, shape: list[tuple[str, int, int]]) -> Command:
        """A new command is recorded."""
        self.count += 1
        asked = command(f"k{self.count}", self._drafts(shape))
        self._took(asked, shape)
        return asked

    @rule(target=commands, shape=SHAPE)
    def record_at_its_version(self, shape: list[tuple[str, int, int]]) -> Command:
        """An expectation that holds is none that refuses."""
        self.count += 1
        stream = shape[0][0]
        asked = command(f"k{self.count}", self._drafts(shape), expected=(stream, self._version(stream)))
        self._took(asked, shape)
        return asked

    @rule(asked=commands)
    def retry(self, asked: Command) -> None:
        """Answered with the stored events, whatever version it once expected."""
        receipt = self.journal.execute(asked)

        assert receipt.is_repeated
        assert tuple(one.seq for one in receipt.events) == self.seqs[asked.key]

    @rule(asked=commands)
    def take_a_key_for_something_else(self, asked: Command) -> None:
        """Refused."""
        self._refused(command(asked.key, content="another"), IdempotencyMismatch)

    @rule(stream=STREAM, off=st.integers(1, 3))
    def expect_another_version(self, stream: str, off: int) -> None:
        """Refused; its key stays free."""
        self._refused(command("never", expected=(stream, self._version(stream) + off)), Conflict)

    def _refused(self, asked: Command, kind: type[Exception]) -> None:
        try:
            self.journal.execute(asked)
        except kind:
            return
        raise AssertionError(f"{asked.key} was not refused")

    @rule(is_closed=st.booleans(), seed=st.none() | st.integers(0, 2**32))
    def begin_anew(self, is_closed: bool, seed: int | None) -> None:
        """Closed, killed, or with the power cut: whoever opens it next finds everything."""
        if is_closed:
            self.journal.close()
        self.disk = self.disk.after_kill() if seed is None else self.disk.after_power_cut(Random(seed))
        self._open()

    @rule()
    def seal(self) -> None:
        """On to the next segment."""
        self.journal.seal()

    @rule(asked=consumes(commands))
    def find_by_key(self, asked: Command) -> None:
        """The first event of a command has its key, and stands where it was said to be."""
        assert [one.seq for one in self.journal.read(key=asked.key)] == [self.seqs[asked.key][0]]

    @rule(stream=STREAM, descending=st.booleans(), limit=st.none() | st.integers(0, 5))
    def read_a_stream(self, stream: str, descending: bool, limit: int | None) -> None:
        """All of it, or the newest or oldest few."""
        wanted = [amount for one, amount in self.recorded if one == stream]
        wanted = (wanted[::-1] if descending else wanted)[:limit]
        found: list[Any] = list(self.journal.read(stream=stream, descending=descending, limit=limit))

        assert [one.data["amount_micros"] for one in found] == wanted

    @invariant()
    def is_what_the_model_says(self) -> None:
        """State and versions; the journal is never anything but normal."""
        sums = {stream: sum(amount for one, amount in self.recorded if one == stream) for stream in STREAMS}

        assert self.journal.query(lambda: {stream: self.state.sums.get(stream, 0) for stream in STREAMS}) == sums
        assert all(self.journal.stream_version(stream) == self._version(stream) for stream in STREAMS)
        assert self.journal.status.state == "normal"


EXAMPLES = 200 if settings.get_current_profile_name() == "plan" else 15
PLAN = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def test_a_journal_is_what_a_list_and_dictionaries_say() -> None:
    """After every step of every example, and after each reopening; each step asserts."""
    run_state_machine_as_test(JournalMachine, settings=PLAN)

    assert JournalMachine.begun >= EXAMPLES

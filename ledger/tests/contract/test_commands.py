"""Commands: idempotent for ever, idempotency before expected version, decided under the lock, together when many."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from console.tests.waiting import PATIENT_SECONDS
from ledger.engine import Event, NewEvent
from ledger.engine.errors import (
    Closed,
    Conflict,
    IdempotencyMismatch,
    NestedUse,
    NotWritten,
    ReadOnly,
    Rejected,
    UnknownSeq,
)
from ledger.tests.contract.places import Place, opened
from ledger.tests.engine.counting import Counting, command, event, record


def test_the_same_command_again_gets_the_stored_events_and_records_nothing(place: Place) -> None:
    """A retry is answered, not refused and not repeated, even one of several events."""
    journal = opened(place)
    first = journal.execute(command("k1", [event(), event("agent:b")]))
    head = journal.head

    again = journal.execute(command("k1", [event(), event("agent:b")]))

    assert again.is_repeated
    assert again.events == first.events
    assert journal.head == head
    journal.close()


def test_a_key_is_remembered_over_a_restart(place: Place) -> None:
    """Keys live in the journal, not in the process."""
    journal = opened(place)
    first = record(journal, "k1")
    journal.close()

    again = opened(place)

    assert record(again, "k1") == replace(first, is_repeated=True)
    again.close()


def test_a_key_used_for_another_command_is_refused(place: Place) -> None:
    """The error names the key and the event that has it."""
    journal = opened(place)
    first = record(journal, "k1").events[0]

    with pytest.raises(IdempotencyMismatch) as caught:
        journal.execute(command("k1", content="something else"))

    assert caught.value.params == {"key": "k1", "seq": first.seq}
    journal.close()


def test_a_retry_is_answered_before_its_expected_version_is_looked_at(place: Place) -> None:
    """The first try moved the stream on; the retry with the same expectation must not be a conflict."""
    journal = opened(place)
    first = journal.execute(command("k1", expected=("agent:a", 0)))

    again = journal.execute(command("k1", expected=("agent:a", 0)))

    assert again.events == first.events
    journal.close()


def test_an_outdated_expectation_is_a_conflict_that_tells_the_current_version(place: Place) -> None:
    """And nothing was recorded, so the key is still free."""
    journal = opened(place)
    record(journal, "k1")

    with pytest.raises(Conflict) as caught:
        journal.execute(command("k2", expected=("agent:a", 0)))

    assert caught.value.params == {"stream": "agent:a", "expected": 0, "current": 1}
    assert not journal.execute(command("k2", expected=("agent:a", 1))).is_repeated
    journal.close()


def test_a_refusal_of_the_rules_passes_through_and_leaves_no_trace(place: Place) -> None:
    """Rejected is the caller's; the key may be used again."""
    journal = opened(place)
    head = journal.head

    def refuse() -> Sequence[NewEvent]:
        raise Rejected

    with pytest.raises(Rejected):
        journal.execute(replace(command("k1"), decide=refuse))

    assert journal.head == head
    assert not record(journal, "k1").is_repeated
    journal.close()


def test_a_command_that_decides_for_nothing_records_nothing(place: Place) -> None:
    """No events, no key: the same command may record something later."""
    journal = opened(place)
    head = journal.head

    receipt = journal.execute(command("k1", []))

    assert receipt.events == ()
    assert journal.head == head
    assert not record(journal, "k1").is_repeated
    journal.close()


def test_decisions_see_the_state_of_everything_before_them_even_in_one_flush(place: Place) -> None:
    """64 threads withdraw from 40: exactly 40 succeed, whichever share a flush."""
    state = Counting()
    journal = opened(place, state=state)
    refused: list[str] = []

    def decide() -> Sequence[NewEvent]:
        if state.sums.get("agent:a", 0) >= 40:
            raise Rejected
        return [event()]

    def spend(name: str) -> None:
        try:
            journal.execute(replace(command(name), decide=decide))
        except Rejected:
            refused.append(name)

    run_together([lambda name=f"t{number}": spend(name) for number in range(64)])  # type: ignore[misc]

    assert state.sums == {"agent:a": 40}
    assert len(refused) == 24
    journal.close()


@pytest.fixture
def restless_threads() -> Iterator[None]:
    """Python changes threads as often as it can: a disk that never waits would let each thread end before the next."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless_threads")
def test_many_threads_share_flushes_and_lose_nothing(place: Place) -> None:
    """16 threads of 60 commands: every receipt is an own event, gapless, and fewer fsyncs than commands."""
    journal = opened(place)
    seqs: list[int] = []

    def write(thread: int) -> None:
        for number in range(60):
            seqs.append(record(journal, f"{thread}-{number}", event(f"agent:{thread}")).events[0].seq)

    run_together([lambda thread=thread: write(thread) for thread in range(16)])  # type: ignore[misc]

    assert sorted(seqs) == list(range(2, 962))
    assert len({one.flush for one in journal.read()}) < 900
    assert [journal.stream_version(f"agent:{thread}") for thread in range(16)] == [60] * 16
    journal.close()


def test_one_key_from_many_threads_at_once_is_recorded_once(place: Place) -> None:
    """All get the same events, one of them as the first."""
    journal = opened(place)
    answers: list[tuple[tuple[Event, ...], bool]] = []

    def write() -> None:
        receipt = record(journal, "k1")
        answers.append((receipt.events, receipt.is_repeated))

    run_together([write] * 20)

    assert len({events for events, _ in map(hashable, answers)}) == 1
    assert sorted(repeated for _, repeated in answers) == [False] + [True] * 19
    journal.close()


def hashable(answer: tuple[tuple[Event, ...], bool]) -> tuple[str, bool]:
    return answer[0][0].hash, answer[1]


def test_a_command_or_query_that_calls_its_own_journal_is_refused_instead_of_hanging(place: Place) -> None:
    """Rules run under the lock; waiting for it there would be for ever."""
    journal = opened(place)

    with pytest.raises(NestedUse):
        journal.query(lambda: journal.head)

    def decide() -> Sequence[NewEvent]:
        record(journal, "k2")
        return [event()]

    with pytest.raises(NestedUse):
        journal.execute(replace(command("k1"), decide=decide))

    assert not record(journal, "k1").is_repeated
    journal.close()


def test_a_state_that_cannot_apply_an_event_fails_the_command_and_is_folded_again(place: Place) -> None:
    """An error in apply must not leave a state that has seen events which are not in the journal."""

    class Picky(Counting):
        def apply(self, event: Event) -> None:
            super().apply(event)
            if event.data.get("note") == "boom":
                raise RuntimeError("boom")

    state = Picky()
    journal = opened(place, state=state)
    record(journal, "k1", event(amount=5))

    with pytest.raises(NotWritten, match="boom"):
        record(journal, "k2", event(amount=7, note="boom"))

    assert journal.query(lambda: dict(state.sums)) == {"agent:a": 5}
    assert journal.head.seq == 2
    assert record(journal, "k3", event(amount=1)).events[0].seq == 3
    journal.close()


def test_events_of_others_that_the_state_cannot_take_give_every_waiter_an_error(place: Place) -> None:
    """Nobody waits for ever, nothing is folded twice, and once the state can take them, all goes on."""

    class Newer(Counting):
        is_able = False

        def apply(self, event: Event) -> None:
            if event.type == "from.the.future" and not self.is_able:
                raise KeyError("from.the.future")
            super().apply(event)

    state, other = Newer(), opened(place)
    journal = opened(place, state=state)
    record(other, "k1", event(amount=5))
    record(other, "k2", NewEvent(stream="agent:a", type="from.the.future", data={}))

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(record, journal, f"w{number}") for number in range(40)]
        errors = [future.exception(timeout=PATIENT_SECONDS) for future in waiting]
    assert {type(error) for error in errors} == {NotWritten}
    assert "from.the.future" in str(errors[0])
    with pytest.raises(KeyError, match="future"):
        journal.query(lambda: None)
    assert len(journal.status.warnings) == 1

    state.is_able = True
    assert record(journal, "k3", event(amount=1)).events[0].seq == 4
    assert state.sums == {"agent:a": 6}
    assert state.applied == [1, 2, 3, 4]
    journal.close()
    other.close()


def test_a_state_that_cannot_even_be_folded_again_leaves_nobody_waiting(place: Place) -> None:
    """Applying fails, and so does the reset after it: every thread gets an error, and later the journal goes on."""

    class Broken(Counting):
        is_broken = False

        def apply(self, event: Event) -> None:
            if self.is_broken:
                raise RuntimeError("apply")
            super().apply(event)

        def reset(self) -> None:
            if self.is_broken:
                raise RuntimeError("reset")
            super().reset()

    state = Broken()
    journal = opened(place, state=state)
    state.is_broken = True

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(record, journal, f"w{number}") for number in range(40)]
        errors = [future.exception(timeout=PATIENT_SECONDS) for future in waiting]
    assert {type(error) for error in errors} == {NotWritten}

    state.is_broken = False
    assert record(journal, "k1").events[0].seq == 2
    assert state.applied == [1, 2]
    journal.close()


def test_a_read_only_journal_reads_and_refuses_commands(place: Place) -> None:
    """It shows what is durable, follows a writer, and writes nothing itself."""
    writer = opened(place)
    record(writer, "k1")
    reader = opened(place, read_only=True)
    record(writer, "k2")

    with pytest.raises(ReadOnly):
        record(reader, "k3")

    assert reader.head == writer.head
    assert reader.get(seq=3).key == "k2"
    assert reader.status.state == "read_only"
    reader.close()
    writer.close()


def test_a_closed_journal_says_so_and_closing_twice_is_fine(place: Place) -> None:
    """Not a bad file descriptor."""
    journal = opened(place)
    journal.close()
    journal.close()

    with pytest.raises(Closed):
        record(journal, "k1")
    with pytest.raises(Closed):
        journal.query(lambda: None)


def test_an_unknown_event_is_named(place: Place) -> None:
    """With the head, so that the caller sees how far it goes."""
    journal = opened(place)

    with pytest.raises(UnknownSeq) as caught:
        journal.get(seq=9)

    assert caught.value.params == {"seq": 9, "head": 1}
    journal.close()


def run_together(work: Sequence[Callable[[], None]]) -> None:
    """Run everything in threads that start at the same moment; errors are raised here."""
    barrier = threading.Barrier(len(work))
    failures: list[BaseException] = []

    def run(one: Callable[[], None]) -> None:
        barrier.wait()
        try:
            one()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]

"""The check of a history finds each way in which answers can contradict the journal."""

from pathlib import Path

import pytest

from ledger.engine import Journal
from ledger.torture.history import Answer, contradictions
from ledger.torture.writer import Balances, NotEnough, order

COMMANDS = 40


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    """A journal of some commands, of which some were refused."""
    home: Path = tmp_path_factory.mktemp("history") / "journal"
    return Journal.open(path=home, state=Balances(), segment_bytes=4096)


@pytest.fixture(scope="module")
def answers(journal: Journal) -> list[Answer]:
    """What one writer was told, one command after the other."""
    state = journal._keeper._state
    assert isinstance(state, Balances)
    told = []
    for number in range(COMMANDS):
        command, account, amount = order(state, f"k.0-{number}")
        try:
            seq, word = journal.execute(command).events[0].seq, "recorded"
        except NotEnough as error:
            seq, word = int(str(error.params["seq"])), "refused"
        told.append(Answer(word, 10 * number, 10 * number + 5, f"k.0-{number}", seq, account, amount))
    assert {answer.word for answer in told} == {"recorded", "refused"}
    return told


def found(journal: Journal, answers: list[Answer]) -> str:
    return " ".join(contradictions(answers, journal.read()))


def of(answers: list[Answer], word: str) -> int:
    """The place of the last answer of this kind."""
    return max(index for index, answer in enumerate(answers) if answer.word == word)


def test_what_happened_contradicts_nothing(journal: Journal, answers: list[Answer]) -> None:
    """One after the other, each where it stands."""
    assert found(journal, answers) == ""


def test_an_answer_for_what_is_not_there_is_found(journal: Journal, answers: list[Answer]) -> None:
    """Acknowledged and lost."""
    lost = answers[0]._replace(word="recorded", key="k.0-9999", asked=10**6, answered=10**6 + 1, seq=10**6)

    assert "k.0-9999 was acknowledged as event 1000000 and is lost" in found(journal, [*answers, lost])


def test_an_answer_with_another_event_is_found(journal: Journal, answers: list[Answer]) -> None:
    """Recorded, but not where the writer was told."""
    at = of(answers, "recorded")
    changed = [*answers]
    changed[at] = changed[at]._replace(seq=changed[at].seq + 1)

    assert f"was acknowledged as event {changed[at].seq}" in found(journal, changed)


def test_what_was_asked_after_another_answer_and_stands_before_it_is_found(
    journal: Journal, answers: list[Answer]
) -> None:
    """Time and the order of the journal disagree."""
    at = of(answers, "recorded")
    changed = [*answers]
    changed[at] = changed[at]._replace(asked=-2, answered=-1)

    assert "in time" in found(journal, changed)


def test_a_refusal_that_its_place_does_not_bear_out_is_found(journal: Journal, answers: list[Answer]) -> None:
    """There was enough."""
    at = of(answers, "refused")
    changed = [*answers]
    changed[at] = changed[at]._replace(amount=1)

    assert "was refused behind event" in found(journal, changed)


def test_an_event_that_was_decided_on_another_balance_is_found(journal: Journal, answers: list[Answer]) -> None:
    """A version that was read outside the lock."""
    events = list(journal.read())
    events[-1] = events[-1]._replace(data={**events[-1].data, "before": 10**6})

    assert "was decided on 1000000" in " ".join(contradictions(answers, events))


def test_a_key_that_is_recorded_twice_is_found(journal: Journal, answers: list[Answer]) -> None:
    """The same command had its effect twice."""
    events = list(journal.read())
    again = events[-1]._replace(seq=events[-1].seq + 1)

    assert "is recorded as event" in " ".join(contradictions(answers, [*events, again]))

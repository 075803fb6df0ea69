"""Reading: filters, ranges, both directions, over sealed and active segments, against plain filtering of all events."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from ledger.engine import Event, Journal, NewEvent
from ledger.tests.contract.places import Place, opened
from ledger.tests.engine.counting import command, event, record


@pytest.fixture
def journal(place: Place) -> Journal:
    """150 commands of several shapes over several segments."""
    journal = opened(place, segment_bytes=16 * 1024)
    for number in range(150):
        kinds = ["credit.consumed", "credit.refunded", "approval.requested", "credits.other"]
        drafts = [NewEvent(stream=f"agent:{number % 7}", type=kinds[number % 4], data={"amount_micros": number})]
        one = command(f"k{number}", drafts * (1 + number % 3))
        journal.execute(type(one)(**{**_fields(one), "actor": f"user:{number % 3}", "correlation": f"m:{number % 5}"}))
    return journal


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in type(one).__dataclass_fields__}


FILTERS: dict[str, tuple[dict[str, Any], Callable[[Event], bool]]] = {
    "everything": ({}, lambda one: True),
    "a stream": ({"stream": "agent:3"}, lambda one: one.stream == "agent:3"),
    "a type": ({"types": ["credit.refunded"]}, lambda one: one.type == "credit.refunded"),
    "a family of types": ({"types": ["credit.*"]}, lambda one: one.type.startswith("credit.")),
    "two types": (
        {"types": ["approval.*", "segment.sealed"]},
        lambda one: one.type.startswith("approval.") or one.type == "segment.sealed",
    ),
    "an actor and a correlation": (
        {"actor": "user:1", "correlation": "m:2"},
        lambda one: one.actor == "user:1" and one.correlation == "m:2",
    ),
    "a key": ({"key": "k77"}, lambda one: one.key == "k77"),
    "what mentions a text": (
        {"mentions": "agent:3"},
        lambda one: one.stream == "agent:3",
    ),
    "what mentions a text only as a part of another": ({"mentions": "agent"}, lambda one: False),
    "a range": ({"after": 40, "until": 170}, lambda one: 40 < one.seq <= 170),
    "nothing": ({"stream": "agent:99"}, lambda one: False),
}


@pytest.mark.parametrize(("name", "descending"), list(itertools.product(FILTERS, [False, True])))
def test_a_filter_finds_what_plain_filtering_finds_in_both_directions(
    journal: Journal, name: str, descending: bool
) -> None:
    """With and without a limit; the newest of a descending read are really the newest."""
    arguments, is_wanted = FILTERS[name]
    everything = [journal.get(seq=seq) for seq in range(1, journal.head.seq + 1)]
    wanted = [one for one in everything if is_wanted(one)]
    wanted = wanted[::-1] if descending else wanted

    assert list(journal.read(**arguments, descending=descending)) == wanted
    assert list(journal.read(**arguments, descending=descending, limit=5)) == wanted[:5]
    assert list(journal.read(**arguments, descending=descending, limit=0)) == []
    journal.close()


def test_a_range_of_times_is_found_exactly(journal: Journal) -> None:
    """since is inside, before is outside."""
    since, before = journal.get(seq=50).time, journal.get(seq=60).time

    assert [one.seq for one in journal.read(since=since, before=before)] == list(range(50, 60))
    assert next(journal.read(since=since, before=before, descending=True)).seq == 59
    assert list(journal.read(since="9999")) == []
    assert list(journal.read(before="0000")) == []
    journal.close()


def test_a_read_that_has_begun_ends_where_the_journal_ended_then(journal: Journal) -> None:
    """What is recorded meanwhile, even a seal of the segment being read, does not disturb it."""
    head = journal.head.seq
    reading = journal.read()
    first = [next(reading) for _ in range(head - 20)]
    for number in range(100):
        record(journal, f"more-{number}")
    journal.settle_sealing()

    rest = list(reading)

    assert [one.seq for one in first + rest] == list(range(1, head + 1))
    journal.close()


def test_large_and_small_events_are_read_in_constant_pieces(place: Place) -> None:
    """A megabyte among hundreds of small ones, in both directions."""
    journal = opened(place, segment_bytes=8 * 2**20)
    for number in range(60):
        record(journal, f"k{number}", event(amount=number, note="x" * (900_000 if number % 20 == 7 else 10)))

    forward = [one.data["amount_micros"] for one in journal.read(types=["credit.consumed"])]
    backward = [one.data["amount_micros"] for one in journal.read(types=["credit.consumed"], descending=True)]

    assert forward == backward[::-1] == list(range(60))
    journal.close()

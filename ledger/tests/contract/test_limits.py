"""Each limit has its own refusal, and a refused command leaves nothing behind."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ledger.engine import Command, Journal, NewEvent, errors
from ledger.tests.contract.places import Place, opened
from ledger.tests.engine.counting import command, event, record


@pytest.fixture
def journal(place: Place) -> Journal:
    return opened(place, segment_bytes=32 * 2**20)


def nested(depth: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(depth - 1):
        inner = {"a": inner}
    return inner


def with_data(values: dict[Any, Any]) -> Command:
    return command("k", [NewEvent(stream="s", type="t", data=values)])


REFUSED: dict[str, tuple[type[errors.LedgerError], Callable[[], Command]]] = {
    "an event beyond 1 MiB": (errors.EventTooLarge, lambda: with_data({"a": "x" * 2**20})),
    "1001 events": (errors.TooManyEvents, lambda: command("k", [event()] * 1001)),
    "more than 10 MiB": (errors.CommandTooLarge, lambda: command("k", [event(note="x" * 900_000)] * 12)),
    "a key of 257 bytes": (errors.KeyTooLong, lambda: command("ü" * 128 + "x")),
    "an empty key": (errors.KeyTooLong, lambda: command("")),
    "a stream of 201 bytes": (errors.StreamTooLong, lambda: command("k", [event("s" * 201)])),
    "an empty stream": (errors.StreamTooLong, lambda: command("k", [event("")])),
    "an actor of 257 bytes": (errors.TextTooLong, lambda: replace(command("k"), actor="a" * 257)),
    "an empty correlation": (errors.TextTooLong, lambda: replace(command("k"), correlation="")),
    "an empty type": (errors.TextTooLong, lambda: command("k", [NewEvent(stream="s", type="", data={})])),
    "17 levels": (errors.NestingTooDeep, lambda: with_data(nested(17))),
    "1001 keys": (errors.TooManyKeys, lambda: with_data({str(number): 1 for number in range(1001)})),
    "1001 keys inside a list": (errors.TooManyKeys, lambda: with_data({"a": [{str(n): 1 for n in range(1001)}]})),
    "a NUL in data": (errors.NulRefused, lambda: with_data({"a": {"b": ["x\0"]}})),
    "a NUL in a name": (errors.NulRefused, lambda: with_data({"a\0": 1})),
    "a NUL in a stream": (errors.NulRefused, lambda: command("k", [event("a\0b")])),
    "a lone surrogate": (errors.SurrogateRefused, lambda: with_data({"a": "\ud800"})),
    "a lone surrogate in a key": (errors.SurrogateRefused, lambda: command("\ud800", content="x")),
    "a number of 64 bits": (errors.IntegerTooLarge, lambda: with_data({"a": 2**63})),
    "a number of 70 bits in a list": (errors.IntegerTooLarge, lambda: with_data({"a": [-(2**70)]})),
    "a float": (errors.FloatRefused, lambda: with_data({"a": 1.5})),
    "not a number": (errors.FloatRefused, lambda: with_data({"a": float("nan")})),
    "a tuple": (errors.ValueRefused, lambda: with_data({"a": (1,)})),
    "a number as a name": (errors.ValueRefused, lambda: with_data({1: 1})),
    "a cause in the future": (
        errors.CauseRefused,
        lambda: command("k", [NewEvent(stream="s", type="t", data={}, causation=99)]),
    ),
    "a cause in a later event": (
        errors.CauseRefused,
        lambda: command("k", [NewEvent(stream="s", type="t", data={}, caused_by=0)]),
    ),
    "schema 0": (errors.SchemaRefused, lambda: command("k", [NewEvent(stream="s", type="t", data={}, schema=0)])),
    "a fingerprint that is none": (errors.FingerprintRefused, lambda: replace(command("k"), fingerprint="G" * 32)),
}


CODES = """
cause-refused closed command-too-large conflict corrupt durability-unknown end-unknown event-too-large
fingerprint-refused float-refused idempotency-mismatch integer-too-large journal-full key-too-long
ledger-error limit-exceeded nested-use nesting-too-deep not-a-journal not-canonical not-written nul-refused
poisoned read-only rejected schema-refused stream-too-long surrogate-refused text-too-long too-many-events
too-many-keys unknown-seq unsupported-file-system value-refused
"""


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_beyond_a_limit_is_refused_with_its_own_error_and_leaves_no_trace(journal: Journal, what: str) -> None:
    """The error has its own stable code and speaks; the head, the streams and the key are as before."""
    error, build = REFUSED[what]
    head = journal.head

    with pytest.raises(error) as caught:
        journal.execute(build())

    assert caught.type is error
    assert str(caught.value)
    assert journal.head == head
    assert journal.stream_version("s") == 0
    assert not record(journal, "k").is_repeated
    journal.close()


def test_every_error_has_a_code_of_its_own_that_will_not_change() -> None:
    """Codes are stored and shown; two refusals with one code could not be told apart."""
    found = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.LedgerError)]

    codes = sorted(one.code for one in found)

    assert codes == CODES.split()


def test_what_is_exactly_at_the_limits_is_recorded_and_read_again(journal: Journal) -> None:
    """16 levels, 1000 keys, 63 bits, 1000 events, 200 bytes of stream, an escaped NUL that is only text; and what is
    neither number nor text."""
    numbers = {str(number): number for number in range(993)}
    limits = {"a": nested(15), "b": 2**63 - 1, "c": "\\u0000", "d": 1 - 2**63}
    values = {**numbers, **limits, "e": None, "f": True, "g": [None, False]}
    drafts = [NewEvent(stream="s" * 200, type="t" * 256, data=values)] + [event()] * 999

    events = journal.execute(command("k" * 256, drafts)).events

    assert journal.get(seq=events[0].seq).data == values
    assert len(events) == 1000
    assert journal.stream_version("s" * 200) == 1
    journal.close()


def test_an_event_of_exactly_1_mib_is_recorded_and_one_byte_more_is_refused_with_both_sizes(journal: Journal) -> None:
    """The limit counts the whole line with its newline, as FORMAT.md says."""
    small = record(journal, "k1", event(note="x")).events[0]
    left = 2**20 - len(journal._keeper.store.view().line_of(small.seq) + b"\n")

    largest = record(journal, "k2", event(note="x" * (1 + left))).events[0]
    with pytest.raises(errors.EventTooLarge) as caught:
        record(journal, "k3", event(note="x" * (2 + left)))

    assert len(journal._keeper.store.view().line_of(largest.seq) + b"\n") == 2**20
    assert caught.value.params == {"bytes": 2**20 + 1, "limit": 2**20}
    assert [one.seq for one in journal.read()] == [1, small.seq, largest.seq]
    journal.close()


def test_one_refused_command_of_a_flush_does_not_touch_the_others(place: Place) -> None:
    """Requests that are written together are answered one by one."""
    from ledger.engine.group import Request

    journal = opened(place)
    requests = [Request(command("a")), Request(with_data({"a": 0.1})), Request(command("b"))]

    journal._serve(requests)

    assert [type(request.error) for request in requests] == [type(None), errors.FloatRefused, type(None)]
    receipts = [request.receipt for request in requests if request.receipt is not None]
    assert [receipt.events[0].seq for receipt in receipts] == [2, 3]
    journal.close()

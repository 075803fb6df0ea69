"""The child protocol: what is understood, and that everything else is a violation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from testruns.actions.limits import ACCOUNTS_MAX, LINE_BYTES_MAX, MEASUREMENTS_MAX, OUTPUT_BYTES_MAX, SAMPLES_MAX
from testruns.actions.protocol import Conversation, ProtocolViolation
from testruns.wording import said_error

HELLO = {"type": "hello", "pid": 17, "scenario": "credit_storm", "python": "3.11.7"}

ACCOUNT = {"type": "account", "name": "agent:a", "live_micros": 5, "journal_micros": 4, "drift_micros": 1}


def line(**message: Any) -> bytes:
    return json.dumps(message).encode() + b"\n"


def conversation(*messages: dict[str, Any]) -> Conversation:
    said = Conversation(scenario="credit_storm")
    for message in (HELLO, *messages):
        said.feed(line(**message))
    return said


def test_a_whole_conversation_is_kept_as_it_was_said() -> None:
    """Progress, samples, measurements and done arrive with their exact values."""
    said = conversation(
        {"type": "progress", "ppm": 400_000, "text": "storm"},
        {"type": "sample", "elapsed_ms": 1000, "operations": 5},
        {"type": "measurement", "name": "memory_slope", "value": "0.01250", "unit": "MB/min"},
        {"type": "measurement", "name": "double_charges", "value": 0, "unit": "count"},
        {"type": "done", "journal": {"seq": 3, "hash": "ab"}, "opened": {"files": ["a"], "sockets": []}},
    )

    assert (said.pid, said.progress_ppm, said.progress_text) == (17, 400_000, "storm")
    assert said.samples == [{"elapsed_ms": 1000, "operations": 5}]
    assert said.readings["memory_slope"].value == "0.01250"
    assert said.readings["double_charges"].value == "0"
    assert said.journal_head == {"seq": 3, "hash": "ab"}
    assert said.opened == {"files": ["a"], "sockets": []}
    assert said.is_done


def test_lines_may_arrive_in_pieces_of_any_size() -> None:
    """A pipe cuts where it likes; every cut gives the same conversation."""
    content = line(**HELLO) + line(type="measurement", name="refused", value=4, unit="count") + line(type="done")

    for size in range(1, len(content) + 1):
        said = Conversation(scenario="credit_storm")
        for start in range(0, len(content), size):
            said.feed(content[start : start + size])
        said.finish()
        assert said.is_done
        assert said.readings["refused"].value == "4"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"hello\n", "not JSON"),
        (b"\n", "not JSON"),
        (b"[1]\n", "not a JSON object"),
        (b"\xff\xfe\n", "not JSON"),
        (b"[" * 60_000 + b"\n", "not JSON"),
        (line(type="progress", ppm=1, text=""), "before hello"),
        (line(type="hello", pid=1, scenario="ml_chaos"), "asked for"),
        (line(type="hello", pid="1", scenario="credit_storm"), "pid"),
    ],
)
def test_a_child_that_does_not_begin_properly_is_refused(content: bytes, complaint: str) -> None:
    """The first line is a hello of the scenario that was asked for, as JSON."""
    with pytest.raises(ProtocolViolation, match=complaint):
        Conversation(scenario="credit_storm").feed(content)


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (HELLO, "hello again"),
        ({"type": "verdict", "value": "PASS"}, "unknown type"),
        ({"type": "progress", "ppm": 1_000_001, "text": ""}, "progress"),
        ({"type": "progress", "ppm": 0.5, "text": ""}, "ppm"),
        ({"type": "sample", "operations": 1}, "elapsed_ms"),
        ({"type": "sample", "elapsed_ms": 1, "load": 0.5}, "integers only"),
        ({"type": "sample", "elapsed_ms": True}, "integers only"),
        ({"type": "measurement", "name": "x y", "value": 1, "unit": "count"}, "name of a measurement"),
        ({"type": "measurement", "name": "x", "value": 0.5, "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": True, "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": "NaN", "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": "1e9", "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": None, "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": 2**63, "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": "1" * 20, "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": "0." + "1" * 10, "unit": "count"}, "decimal text"),
        ({"type": "measurement", "name": "x", "value": 1, "unit": ""}, "unit"),
        ({"type": "measurement", "name": "x", "value": 1}, "unit"),
        (ACCOUNT | {"name": ""}, "no account"),
        (ACCOUNT | {"name": "a" * 201}, "no account"),
        (ACCOUNT | {"drift_micros": 0.5}, "integers"),
        (ACCOUNT | {"live_micros": None}, "integers"),
        ({"type": "done", "journal": "abc"}, "journal"),
        ({"type": "done", "opened": {"files": "a"}}, "opened"),
    ],
)
def test_every_line_that_is_not_the_protocol_is_a_violation(message: dict[str, Any], complaint: str) -> None:
    """Nothing is guessed and nothing is skipped."""
    with pytest.raises(ProtocolViolation, match=complaint):
        conversation(message)


def test_a_violation_can_be_said_in_the_readers_language() -> None:
    """It is kept as a template with values, never as a finished English sentence."""
    german = {
        "the child broke the protocol: %(violation)s": "Der Kindprozess brach das Protokoll: %(violation)s",
        "line %(line)s measures %(name)s a second time": "Zeile %(line)s misst %(name)s ein zweites Mal",
    }
    reading = {"type": "measurement", "name": "drift_micros_max", "value": 0, "unit": "micro-credits"}

    with pytest.raises(ProtocolViolation) as caught:
        conversation(reading, reading)

    said = said_error(
        template="the child broke the protocol: %(violation)s",
        params={"violation": caught.value.text},
        translate=lambda text: german[text],
        language="de",
    )
    assert said == "Der Kindprozess brach das Protokoll: Zeile 3 misst drift_micros_max ein zweites Mal"


def test_measuring_the_same_thing_twice_is_a_violation() -> None:
    """Otherwise a child could choose which of two values counts."""
    reading = {"type": "measurement", "name": "drift_micros_max", "value": 0, "unit": "micro-credits"}

    with pytest.raises(ProtocolViolation, match="second time"):
        conversation(reading, reading)


def test_telling_an_account_twice_is_a_violation() -> None:
    """Otherwise a second line could hide the drift of the first."""
    with pytest.raises(ProtocolViolation, match="second time"):
        conversation(ACCOUNT, ACCOUNT | {"drift_micros": 0})


def test_more_accounts_than_the_limit_are_refused() -> None:
    """A report lists them all."""
    accounts = [ACCOUNT | {"name": f"agent:{number}"} for number in range(ACCOUNTS_MAX + 1)]

    with pytest.raises(ProtocolViolation, match=f"more than {ACCOUNTS_MAX}"):
        conversation(*accounts)


def test_a_measurement_after_done_is_a_violation() -> None:
    """Done is the last word."""
    with pytest.raises(ProtocolViolation, match="after done"):
        conversation({"type": "done"}, {"type": "measurement", "name": "x", "value": 1, "unit": "count"})


def test_output_that_ends_inside_a_line_is_a_violation() -> None:
    """A cut line is not a message."""
    said = conversation()
    said.feed(b'{"type":"done"')

    with pytest.raises(ProtocolViolation, match="middle of line 2"):
        said.finish()


def test_a_line_without_end_is_refused_as_soon_as_it_is_too_long() -> None:
    """Memory does not grow with what a broken child prints."""
    said = conversation()

    with pytest.raises(ProtocolViolation, match="longer than"):
        said.feed(b"x" * (LINE_BYTES_MAX + 1))


def test_a_whole_line_that_is_too_long_is_refused_as_well() -> None:
    """Its end in the same piece does not save it."""
    said = conversation()

    with pytest.raises(ProtocolViolation, match="line 2 is longer than"):
        said.feed(b'{"type":"progress","ppm":1,"text":"' + b"x" * LINE_BYTES_MAX + b'"}\n')


def test_more_samples_than_a_run_can_have_are_refused() -> None:
    """Four hours at one a second are more than any deadline allows."""
    said = conversation()
    said.samples = [{"elapsed_ms": 0}] * SAMPLES_MAX

    with pytest.raises(ProtocolViolation, match=f"more than {SAMPLES_MAX} samples"):
        said.feed(line(type="sample", elapsed_ms=1))


def test_more_output_than_a_run_can_have_is_refused() -> None:
    """Also in well-formed lines."""
    said = conversation()
    said.byte_count = OUTPUT_BYTES_MAX

    with pytest.raises(ProtocolViolation, match="bytes of output"):
        said.feed(b"x")


def test_more_measurements_than_the_limit_are_refused() -> None:
    """The row count of an attempt is bounded."""
    readings = [
        {"type": "measurement", "name": f"m{number}", "value": 1, "unit": "count"}
        for number in range(MEASUREMENTS_MAX + 1)
    ]

    with pytest.raises(ProtocolViolation, match=f"more than {MEASUREMENTS_MAX}"):
        conversation(*readings)

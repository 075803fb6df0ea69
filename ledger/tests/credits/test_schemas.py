"""Older events are read as they are meant today, step by step; what a newer version wrote is refused and left alone."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ledger import Event, Ledger, NewEvent, OsEnv, Schemas, check_invariants, commands
from ledger.credits.schemas import CREDIT_SCHEMAS, Step, UnknownSchema
from ledger.credits.state import CreditState
from ledger.engine.event import Command
from ledger.engine.journal import Journal
from ledger.tests.credits import planting
from ledger.tests.credits.orders import CREDIT, Desk

CONSUMED = "credit.consumed"


def with_accounts(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 1 to 2: accounts are called accounts, and amounts are counted in micro-credits."""
    kept = {name: value for name, value in data.items() if name not in ("from", "to", "credits")}
    return {
        **kept,
        "from_account": data["from"],
        "to_account": data["to"],
        "amount_micros": data["credits"] * CREDIT,
    }


def with_reason(data: Mapping[str, Any]) -> dict[str, Any]:
    """Schema 2 to 3: every movement has a reason."""
    return {**data, "reason": ""}


CHAIN = Schemas({**CREDIT_SCHEMAS.newest, CONSUMED: 3}, {(CONSUMED, 1): with_accounts, (CONSUMED, 2): with_reason})
RENAMED = {(CONSUMED, 1): {"from": "from_account", "to": "to_account", "credits": "amount_micros"}}
"""By step: fields that go on under another name, possibly converted. All others keep name and value."""

FACTS = {"balance_micros": 7, "tags": ["x", {"deep": 1}]}
SAMPLES: dict[tuple[str, int], dict[str, Any]] = {
    (CONSUMED, 1): {"from": "agent:ann", "to": "system:consumption", "credits": 3, **FACTS},
    (CONSUMED, 2): {"from_account": "agent:ann", "to_account": "system:consumption", "amount_micros": 3, **FACTS},
}


def faults_of(step: Step, sample: dict[str, Any], renamed: Mapping[str, str]) -> list[str]:
    """What is wrong with a step: it changes what it is given, answers differently the second time, loses a field."""
    given, before = copy.deepcopy(sample), copy.deepcopy(sample)
    first, second = step(given), step(copy.deepcopy(sample))
    faults = ["changes its argument"] if given != before else []
    faults += ["is not repeatable"] if first != second else []
    for name, value in sample.items():
        if renamed.get(name, name) not in first:
            faults.append(f"loses {name}")
        elif name not in renamed and first[name] != value:
            faults.append(f"changes {name}")
    return faults


def test_every_step_is_pure_and_keeps_every_field() -> None:
    """The shipped ones and the chain of these tests; a step without a sample cannot be shipped."""
    for schemas in (CREDIT_SCHEMAS, CHAIN):
        for kind, step in schemas.steps.items():
            assert faults_of(step, SAMPLES[kind], RENAMED.get(kind, {})) == []


def _changing(data: Mapping[str, Any]) -> dict[str, Any]:
    data["tags"].append("y")
    return dict(data)


def _forgetful(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != "tags"}


def _rounding(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "amount_micros": 0}


_drawn = count()


def _drawing(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "number": next(_drawn)}


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (_changing, "changes its argument"),
        (_drawing, "is not repeatable"),
        (_forgetful, "loses tags"),
        (_rounding, "changes amount_micros"),
    ],
)
def test_a_step_that_is_not_pure_or_loses_a_field_is_found(step: Step, fault: str) -> None:
    """The check above can fail."""
    assert fault in faults_of(step, SAMPLES[CONSUMED, 2], {})


@pytest.mark.parametrize("steps", [{}, {(CONSUMED, 1): with_reason, (CONSUMED, 3): with_reason}])
def test_a_chain_with_a_missing_step_cannot_be_made(steps: dict[tuple[str, int], Step]) -> None:
    """It is found when the program starts and not at the first old event."""
    with pytest.raises(ValueError, match="steps"):
        Schemas({CONSUMED: 3}, steps)


def consumed(schema: int) -> NewEvent:
    """Three credits of ann, as a version with this schema recorded it."""
    old = {"from": "agent:ann", "to": "system:consumption", "credits": 3, "balance_micros": 0}
    newer = {"from_account": old["from"], "to_account": old["to"], "amount_micros": 3 * CREDIT, "balance_micros": 0}
    data = {1: old, 2: newer, 3: {**newer, "reason": "work"}}[schema]
    return NewEvent(stream="agent:ann", type=CONSUMED, data=data, schema=schema)


@pytest.fixture
def of_three_versions(tmp_path: Path) -> Path:
    """A journal in which three versions of the program recorded the same consumption, each its own way."""
    desk = Desk(tmp_path / "old")
    desk.open_account("ann", 100)
    desk.ledger.close()
    for schema in (1, 2, 3):
        planting.write_as_another_version(desk.path, consumed(schema), key=f"v{schema}")
    return desk.path


def opened(path: Path) -> Ledger:
    """The ledger as a version with the chain would open it."""
    state = CreditState(schemas=CHAIN)
    return Ledger(journal=Journal.open(path=path, state=state), path=path, state=state, env=OsEnv())


def test_events_of_three_schemas_are_folded_and_read_as_the_newest(of_three_versions: Path) -> None:
    """One balance, one form for every reader, and the record keeps its bytes and its hash."""
    bytes_before = planting.segments_of(of_three_versions)[0].read_bytes()

    ledger = opened(of_three_versions)
    events = list(ledger.events(types=[CONSUMED]))
    recorded = list(ledger.journal.read(types=[CONSUMED]))

    assert ledger.balance("ann") == 91 * CREDIT
    assert [event.schema for event in events] == [3, 3, 3]
    assert {event.data["amount_micros"] for event in events} == {3 * CREDIT}
    assert [event.data["reason"] for event in events] == ["", "", "work"]
    assert [event.schema for event in recorded] == [1, 2, 3]
    assert [event.hash for event in events] == [event.hash for event in recorded]
    assert ledger.event(recorded[0].seq) == events[0]
    ledger.close()
    assert planting.segments_of(of_three_versions)[0].read_bytes() == bytes_before


def test_a_replay_over_old_schemas_reaches_the_state_of_the_new_one(of_three_versions: Path, tmp_path: Path) -> None:
    """The same three consumptions, all recorded by the newest version."""
    desk = Desk(tmp_path / "new")
    desk.open_account("ann", 100)
    desk.ledger.close()
    for number in range(3):
        planting.write_as_another_version(desk.path, consumed(3), key=f"n{number}")

    old, new = opened(of_three_versions), opened(desk.path)

    assert old.state_digest() == new.state_digest()
    old.close()
    new.close()


def test_a_repeated_key_is_answered_from_an_old_schema(of_three_versions: Path) -> None:
    """The command was recorded years ago; its answer is read as it is meant today."""
    ledger = opened(of_three_versions)
    order = commands.Consume(agent="ann", amount_micros=3 * CREDIT, reason="work")
    journal = ledger.journal
    fingerprint = commands.fingerprint_of(order)
    journal.execute(
        Command(key="old", fingerprint=fingerprint, actor="a", correlation="c", decide=lambda: [consumed(1)])
    )

    answer = ledger.execute(order, key="old", actor="a", correlation="c")

    assert answer.is_repeated
    assert answer.events[0].schema == 3
    assert answer.events[0].data["amount_micros"] == 3 * CREDIT
    ledger.close()


def content_of(journal: Path) -> dict[str, bytes]:
    """Every file of a journal."""
    return {str(file.relative_to(journal)): file.read_bytes() for file in journal.rglob("*") if file.is_file()}


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """A journal whose last event is of a schema that only a later version knows."""
    desk = Desk(tmp_path / "journal")
    desk.open_account("ann", 100)
    desk.ledger.close()
    planting.write_newer_schema(desk.path)
    return desk.path


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_schema_is_refused_and_nothing_is_changed(newer: Path, read_only: bool) -> None:
    """It names event, type, schema and what to do now; every byte stays, and every descriptor is given back."""
    before, descriptors = content_of(newer), len(os.listdir("/proc/self/fd"))

    with pytest.raises(UnknownSchema) as refusal:
        Ledger.open(path=newer, read_only=read_only)

    assert refusal.value.params == {"seq": 4, "type": CONSUMED, "schema": 2}
    assert str(refusal.value).startswith("Event 4 is credit.consumed of schema 2, ")
    assert "Install that version or a later one" in str(refusal.value)
    assert content_of(newer) == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_the_version_that_knows_the_schema_opens_the_same_journal(newer: Path) -> None:
    """So it was refused for its schema alone."""
    schemas = Schemas({**CREDIT_SCHEMAS.newest, CONSUMED: 2}, {(CONSUMED, 1): dict})
    state = CreditState(schemas=schemas)

    journal = Journal.open(path=newer, state=state, read_only=True)

    assert state.accounts["agent:ann"].balance_micros == 100 * CREDIT - 1
    journal.close()


def test_an_unknown_type_of_a_known_family_is_refused_too(desk: Desk) -> None:
    """A movement that this version has never heard of would be missing in its balances."""
    desk.ledger.close()
    planting.write_as_another_version(desk.path, NewEvent(stream="agent:ann", type="credit.escrowed", data={}))

    with pytest.raises(UnknownSchema, match=r"credit\.escrowed"):
        Ledger.open(path=desk.path)


def test_a_type_of_another_family_is_passed_over(desk: Desk) -> None:
    """What the journal or the console record about themselves moves no credits."""
    desk.ledger.close()
    planting.write_as_another_version(desk.path, NewEvent(stream="x", type="weather.changed", data={}, schema=7))

    desk.ledger = Ledger.open(path=desk.path)

    assert [event.schema for event in desk.ledger.events(types=["weather.*"])] == [7]


def test_a_ledger_that_is_open_refuses_what_a_newer_process_writes_beside_it(desk: Desk) -> None:
    """Queries and commands say why, nothing is recorded, and the events before it are not lost."""
    desk.open_account("ann", 100)
    planting.write_newer_schema(desk.path)

    with pytest.raises(UnknownSchema):
        desk.ledger.balance("ann")
    with pytest.raises(UnknownSchema):
        desk.consume("ann", 1)

    lines = planting.segments_of(desk.path)[0].read_bytes().rstrip(b"\n").split(b"\n")
    assert len(lines) == 4


def test_check_invariants_names_the_schema_and_judges_nothing_behind_it(newer: Path) -> None:
    """Not a balance is guessed."""
    lines = {line.code: line for line in check_invariants(newer).lines}

    assert "credit.consumed of schema 2" in str(lines["schema"].where[0])
    assert lines["balance"].is_held
    assert lines["zero_sum"].is_held is None


def test_everything_the_ledger_records_is_of_the_newest_schema(tmp_path: Path) -> None:
    """What is written and what is registered cannot drift apart."""
    ledger = Ledger.open(path=planting.sound_journal(tmp_path / "journal"), read_only=True)

    recorded: set[tuple[str, int]] = {(event.type, event.schema) for event in ledger.journal.read()}
    own = {kind for kind in recorded if kind[0] in CREDIT_SCHEMAS.newest}

    assert len(own) >= 10
    assert own <= set(CREDIT_SCHEMAS.newest.items())
    ledger.close()


@pytest.mark.parametrize("schema", [0, -1, "1", None, [1]])
def test_a_schema_that_is_no_number_is_refused(schema: Any) -> None:
    """JSON may hold anything."""
    event = Event(1, "t", "agent:a", 1, CONSUMED, schema, "a", "c", None, None, None, 1, None, {}, "0" * 64)

    with pytest.raises(UnknownSchema):
        CREDIT_SCHEMAS.current(event)

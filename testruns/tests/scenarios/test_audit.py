"""The audit: what is planted in a journal's files, or in what callers were told, is counted where it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from testruns.scenarios.stage.audit import (
    AccountDrift,
    EffectCounts,
    JournalFacts,
    account_drifts,
    expectations_of,
    match_effects,
    read_facts,
    refused_for,
    wrongly_refused,
)
from testruns.scenarios.stage.operations import (
    Acknowledgement,
    AcknowledgementList,
    Movement,
    Outcome,
    read_acknowledgements,
)
from testruns.scenarios.stage.reading import end_of_records, read_head, read_records, segments_of
from testruns.tests.scenarios.forging import Fields, line_of


def write_journal(journal: Path, *segments: Sequence[Fields]) -> None:
    """Segments of chained records with padding behind them."""
    (journal / "segments").mkdir(parents=True)
    previous = bytes(32)
    for segment in segments:
        lines = []
        for fields in segment:
            lines.append(line_of(fields, previous))
            previous = bytes.fromhex(orjson.loads(lines[-1])["hash"])
        path = journal / "segments" / f"{segment[0]['seq']:020d}.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n" + b"\n" * 100)


def record(seq: int, **changes: Any) -> Fields:
    """A record in which nothing is wrong."""
    fields: Fields = {
        "seq": seq,
        "time": "2026-01-15T12:00:00.000000Z",
        "stream": "agent:a",
        "version": seq,
        "type": "agent.created",
        "schema": 1,
        "actor": "run:1:test",
        "correlation": f"op-{seq}",
        "key": f"op-{seq}",
        "fingerprint": "0" * 32,
        "flush": seq,
        "data": {},
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def moving(seq: int, kind: str, payer: str, payee: str, micros: int, **changes: Any) -> Fields:
    """A record that moves credits."""
    data = {"from_account": payer, "to_account": payee, "amount_micros": micros}
    return record(seq, type=kind, data=data, **changes)


def given_to(seq: int, micros: int, **changes: Any) -> Fields:
    """New credits for agent a."""
    return moving(seq, "credit.allocated", "system:issuance", "agent:a", micros, **changes)


def spent(seq: int, micros: int, **changes: Any) -> Fields:
    """Agent a spends."""
    return moving(seq, "credit.consumed", "agent:a", "system:consumption", micros, **changes)


def facts_of(journal: Path, *records: Fields) -> JournalFacts:
    """What the audit reads in a journal of these records."""
    write_journal(journal, records)
    return read_facts(journal)


def told(seq: int, owed: Sequence[Movement] | None, outcome: Outcome = Outcome.DONE, **changes: Any) -> Acknowledgement:
    """What a caller was told about the operation op-SEQ."""
    answer = Acknowledgement(
        key=f"op-{seq}",
        correlation=f"op-{seq}",
        owed=None if owed is None else tuple(owed),
        outcome=outcome,
        seq=seq if outcome is Outcome.DONE else 0,
        is_repeated=False,
        is_marked=False,
        code="" if outcome is Outcome.DONE else "insufficient-credits",
    )
    return answer._replace(**changes)


GIVEN = Movement("credit.allocated", "system:issuance", "agent:a", 100)
SPENT = Movement("credit.consumed", "agent:a", "system:consumption", 30)


def test_a_sound_journal_over_two_segments_is_read_whole(tmp_path: Path) -> None:
    """Nothing is found where nothing is wrong."""
    write_journal(tmp_path, [given_to(1, 100), spent(2, 30)], [spent(3, 10), record(4, causation=3)])

    facts = read_facts(tmp_path)

    assert facts.events == 4
    assert dict(facts.balances) == {"system:issuance": -100, "agent:a": 60, "system:consumption": 40}
    wrong = (facts.missing_schema, facts.missing_correlation, facts.unresolved_causation, facts.duplicate_keys)
    assert (*wrong, facts.unlinked, facts.misdirected, len(facts.ever_negative)) == (0,) * 7
    assert read_head(tmp_path).seq == 4


@pytest.mark.parametrize(
    ("count", "planted"),
    [
        ("missing_schema", record(2, schema=0)),
        ("missing_schema", record(2, schema=None)),
        ("missing_correlation", record(2, correlation="")),
        ("missing_correlation", record(2, correlation=None)),
        ("unresolved_causation", record(2, causation=2)),
        ("unresolved_causation", record(2, causation=0)),
        ("unresolved_causation", record(2, causation=99)),
        ("duplicate_keys", record(2, key="op-1")),
        ("unlinked", record(3)),
        ("misdirected", moving(2, "credit.consumed", "system:issuance", "agent:a", 5)),
        ("misdirected", moving(2, "credit.invented", "agent:a", "agent:b", 5)),
        ("misdirected", given_to(2, -5)),
    ],
)
def test_what_is_planted_in_a_record_is_counted(tmp_path: Path, count: str, planted: Fields) -> None:
    """One fault, one count."""
    facts = facts_of(tmp_path, given_to(1, 100), planted)

    assert getattr(facts, count) == 1


@pytest.mark.parametrize("position", [b"agent:a", b'"seq":2', b"time"])
def test_an_edited_byte_breaks_the_chain(tmp_path: Path, position: bytes) -> None:
    """Wherever in a record it is, the record no longer continues what stood before it."""
    write_journal(tmp_path, [given_to(1, 100), spent(2, 30), spent(3, 10)])
    (segment,) = segments_of(tmp_path)
    content = bytearray(segment.read_bytes())
    content[content.rindex(position)] ^= 1
    segment.write_bytes(bytes(content))

    assert not all(each.is_linked for each in read_records(tmp_path))


def test_a_deleted_record_breaks_the_chain(tmp_path: Path) -> None:
    """The one behind the gap has the wrong number and hash."""
    write_journal(tmp_path, [given_to(1, 100), spent(2, 30), spent(3, 10)])
    (segment,) = segments_of(tmp_path)
    first, _, third = segment.read_bytes().rstrip(b"\n").split(b"\n")
    segment.write_bytes(first + b"\n" + third + b"\n")

    assert [each.is_linked for each in read_records(tmp_path)] == [True, False]


def test_a_torn_record_at_the_end_counts_as_damage(tmp_path: Path) -> None:
    """After the ledger was opened again there must be none."""
    write_journal(tmp_path, [given_to(1, 100)])
    (segment,) = segments_of(tmp_path)
    with segment.open("r+b") as file:
        file.seek(end_of_records(segment))
        file.write(b'{"seq":2,"ti')

    facts = read_facts(tmp_path)

    assert facts.unlinked == 1


def test_a_balance_that_was_below_zero_in_between_is_remembered(tmp_path: Path) -> None:
    """Being back above zero at the end does not make it good."""
    facts = facts_of(tmp_path, given_to(1, 10), spent(2, 30), given_to(3, 100))

    assert facts.ever_negative == {"agent:a"}


@pytest.mark.parametrize(
    ("records", "answers", "expected"),
    [
        ([given_to(1, 100)], [told(1, [GIVEN])], EffectCounts()),
        ([given_to(1, 100)], [told(1, [GIVEN]), told(1, [GIVEN], is_repeated=True)], EffectCounts()),
        (
            [given_to(1, 100), spent(2, 30), spent(3, 30, correlation="op-2", key="other")],
            [told(1, [GIVEN]), told(2, [SPENT])],
            EffectCounts(double=1),
        ),
        ([given_to(1, 100)], [told(1, [GIVEN]), told(2, [SPENT])], EffectCounts(lost=1)),
        ([given_to(1, 100), record(2)], [told(1, [GIVEN]), told(2, [SPENT])], EffectCounts(lost=1)),
        ([given_to(1, 100)], [told(1, [GIVEN])._replace(seq=9)], EffectCounts(lost=1)),
        (
            [given_to(1, 100), spent(2, 31)],
            [told(1, [GIVEN]), told(2, [SPENT])],
            EffectCounts(lost=1, extra=1),
        ),
        ([given_to(1, 100), spent(2, 30)], [told(1, [GIVEN])], EffectCounts(extra=1)),
        (
            [given_to(1, 100), spent(2, 30)],
            [told(1, [GIVEN]), told(2, [SPENT], Outcome.REFUSED)],
            EffectCounts(extra=1),
        ),
        ([given_to(1, 100), spent(2, 30)], [told(1, [GIVEN]), told(2, [SPENT], Outcome.UNKNOWN)], EffectCounts()),
        ([given_to(1, 100)], [told(1, [GIVEN]), told(2, [SPENT], Outcome.UNKNOWN)], EffectCounts()),
        ([given_to(1, 100)], [told(1, [])], EffectCounts(extra=1)),
        ([given_to(1, 100)], [told(1, None)], EffectCounts()),
        (
            [given_to(1, 100), given_to(2, 50, correlation="op-1", key=None)],
            [told(1, None)],
            EffectCounts(double=1),
        ),
        ([], [told(1, [GIVEN], Outcome.REFUSED)], EffectCounts()),
    ],
)
def test_effects_are_held_against_what_callers_were_told(
    tmp_path: Path, records: list[Fields], answers: list[Acknowledgement], expected: EffectCounts
) -> None:
    """Confirmed once and there once is right; everything else is double, lost or extra."""
    facts = facts_of(tmp_path, *records) if records else JournalFacts()

    assert match_effects(facts, expectations_of(answers)) == expected


def test_a_refusal_that_the_end_disproves_is_an_effect_that_is_owed(tmp_path: Path) -> None:
    """Who still has 100 at the end could have paid 30 at any time, in a load that only spends."""
    facts = facts_of(tmp_path, given_to(1, 100))
    dear = SPENT._replace(amount_micros=101)
    answers = expectations_of([told(2, [SPENT], Outcome.REFUSED), told(3, [dear], Outcome.REFUSED)])

    assert wrongly_refused(facts, answers, code="insufficient-credits") == EffectCounts(lost=1)
    assert refused_for(answers, code="insufficient-credits") == 2


@pytest.mark.parametrize(
    ("accounts", "drift"),
    [
        ({"agent:a": 100, "system:issuance": -100}, 0),
        ({"agent:a": 99, "system:issuance": -100}, 1),
        ({"agent:a": 100}, 100),
        ({"agent:a": 100, "system:issuance": -100, "agent:b": 7}, 7),
    ],
)
def test_drift_is_the_largest_difference_of_any_account(tmp_path: Path, accounts: dict[str, int], drift: int) -> None:
    """An account that is missing, or too many, counts with all it has."""
    facts = facts_of(tmp_path, given_to(1, 100))

    assert account_drifts(facts, accounts)[0].drift_micros == drift


def test_every_account_is_held_against_the_journal_by_itself(tmp_path: Path) -> None:
    """The one that drifts stands first, the others are named too, with what they hold."""
    facts = facts_of(tmp_path, given_to(1, 100))

    drifts = account_drifts(facts, {"agent:a": 97, "agent:b": 0, "system:issuance": -100})

    assert drifts == [
        AccountDrift(name="agent:a", live_micros=97, journal_micros=100, drift_micros=3),
        AccountDrift(name="agent:b", live_micros=0, journal_micros=0, drift_micros=0),
        AccountDrift(name="system:issuance", live_micros=-100, journal_micros=-100, drift_micros=0),
    ]


def test_a_balance_an_event_states_wrongly_is_drift_of_its_account(tmp_path: Path) -> None:
    """The live balances may agree with the journal: what was said in between was wrong all the same."""
    wrong = given_to(2, 5) | {"data": given_to(2, 5)["data"] | {"balance_micros": 104}}
    facts = facts_of(tmp_path, given_to(1, 100), wrong)

    first, second = account_drifts(facts, {"agent:a": 105, "system:issuance": -105})

    assert (first.name, first.drift_micros) == ("agent:a", 1)
    assert second.drift_micros == 0


def test_answers_survive_their_file(tmp_path: Path) -> None:
    """What a host wrote is what the audit reads, over several hosts."""
    answers = [told(1, [GIVEN]), told(2, None, Outcome.UNKNOWN, code="durability-unknown"), told(3, [], is_marked=True)]
    for number, answer in enumerate(answers):
        acknowledgements = AcknowledgementList(path=tmp_path / f"host-{number}.acks.jsonl")
        acknowledgements.append(answer)
        acknowledgements.close()

    assert list(read_acknowledgements(tmp_path)) == answers


def test_an_empty_journal_has_no_head(tmp_path: Path) -> None:
    """Seq 0 and a hash of zeros."""
    assert read_head(tmp_path) == (0, "0" * 64)

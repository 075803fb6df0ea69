"""Importing the journals of the original: sound ones whole, faults at their lines, nothing hidden."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ledger import LegacyReport, check_invariants, import_legacy
from ledger.credits.errors import JournalNotEmpty, UnreadableJournal
from ledger.credits.legacy import ImportRefused
from ledger.credits.legacy_analysis import analyse
from ledger.credits.legacy_events import micros_of_legacy
from ledger.tests.credits.orders import Desk
from ledger.tests.credits.planting import LEGACY

SEVEN = {
    21: "balance-mismatch",
    28: "duplicate-key",
    31: "out-of-order",
    111: "not-json",
    167: "not-finite",
    171: "created-again",
    172: "cut",
}


def bring_in(desk: Desk, source: Path, *, is_strict: bool = False) -> LegacyReport:
    """Import into the desk's ledger."""
    return import_legacy(source=source, ledger=desk.ledger, is_strict=is_strict, actor="cli:tester")


def money(entity: str, type_: str, amount: object, after: object, *, second: int, **more: object) -> dict[str, object]:
    """A line of the original about credits."""
    return {
        "event_id": f"e-{second}",
        "event_type": f"credit.{type_}",
        "timestamp": f"2026-01-01T00:00:{second:02}.000000+00:00",
        "actor_id": "system",
        "correlation_id": entity,
        "causation_id": None,
        "payload": {
            "entity_id": entity,
            "entity_type": "agent",
            "amount": amount,
            "reason": "r",
            "balance_after": after,
        },
        "schema_version": 1,
        "idempotency_key": f"k-{second}",
        **more,
    }


def fact(type_: str, payload: Mapping[str, object], *, second: int, **more: object) -> dict[str, object]:
    """A line of the original about something else."""
    return {**money("x", "consumed", 1, 1, second=second), "event_type": type_, "payload": payload, **more}


def written(path: Path, *lines: object) -> Path:
    """A legacy file of these lines; texts go in as they are."""
    file = path / "legacy.jsonl"
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return file


def faults_of(file: Path) -> dict[int, str]:
    """Line and code of everything that is its own cause."""
    return {fault.line: fault.code for fault in analyse(file).faults}


@pytest.mark.parametrize(("name", "lines", "agents"), [("live-harness-169", 169, 23), ("mixed-3000", 3000, 10)])
def test_a_sound_journal_comes_in_whole(desk: Desk, name: str, lines: int, agents: int) -> None:
    """Nothing is reported, every line has its effect, and the new journal is sound by all invariants."""
    report = bring_in(desk, LEGACY / f"{name}.jsonl", is_strict=True)

    assert (report.line_count, report.imported_count, report.problems) == (lines, lines, ())
    assert len(desk.ledger.agents()) == agents
    assert sum(desk.ledger.accounts().values()) == 0
    assert desk.types().count("import.line_refused") == 0
    desk.ledger.close()
    assert check_invariants(desk.path).is_held


def test_balances_agree_with_the_original(desk: Desk) -> None:
    """Within a hundredth of a credit: the original added binary floats."""
    bring_in(desk, LEGACY / "mixed-3000.jsonl")
    last: dict[str, float] = {}
    for line in (LEGACY / "mixed-3000.jsonl").read_text().splitlines():
        payload = json.loads(line)["payload"]
        if "balance_after" in payload:
            last[payload["entity_id"]] = payload["balance_after"]

    assert {agent: desk.ledger.balance(agent) / 1e6 for agent in desk.ledger.agents()} == pytest.approx(last, abs=0.01)


def test_each_of_the_seven_faults_is_reported_at_its_line(desk: Desk) -> None:
    """Lines that are broken only because of another stand beneath it; every fault is a refused line in the journal."""
    report = bring_in(desk, LEGACY / "damaged.jsonl")

    assert {fault.line: fault.code for fault in report.faults} == SEVEN
    assert [problem.line for problem in report.consequences_of(31)] == [40, 52]
    assert all(not report.consequences_of(line) for line in SEVEN if line != 31)
    refused = [event.data for event in desk.events() if event.type == "import.line_refused"]
    assert {data["line"]: data["code"] for data in refused} == SEVEN
    assert report.imported_count == 172 - 7
    desk.ledger.close()
    assert check_invariants(desk.path).is_held


def test_a_null_is_reported_as_the_file_has_it() -> None:
    """Not in the words of the language this is written in; a field that is not there at all is a dash."""
    faults = {problem.line: str(problem) for problem in analyse(LEGACY / "damaged.jsonl").faults}

    assert faults[167] == "The amount (null) or balance_after (null) is no finite number."


@pytest.mark.parametrize(
    ("written", "shown"), [('"ten"', '"ten"'), ("NaN", "NaN"), ("1e400", "1e400"), ("true", "true"), (None, "–")]
)
def test_an_amount_that_is_no_number_is_reported_as_it_was_written(
    tmp_path: Path, written: str | None, shown: str
) -> None:
    """So that one finds it in the file."""
    line = json.dumps(NEXT).replace('"amount": 10.0, ', "" if written is None else f'"amount": {written}, ')
    (tmp_path / "j.jsonl").write_text(f"{json.dumps(GOOD)}\n{line}\n")

    assert f"The amount ({shown}) or" in str(analyse(tmp_path / "j.jsonl").problems[2])


def test_a_strict_import_leaves_nothing(desk: Desk) -> None:
    """The refusal names the faults; the journal stays empty."""
    with pytest.raises(ImportRefused, match="Lines that break an invariant: 7") as refusal:
        bring_in(desk, LEGACY / "damaged.jsonl", is_strict=True)

    assert [fault.line for fault in refusal.value.faults] == list(SEVEN)
    assert desk.events() == []


def test_the_original_stands_beside_what_was_made_of_it(desk: Desk) -> None:
    """Amounts as they were written, line, id, time and key; the amount is rounded half-even."""
    bring_in(desk, LEGACY / "live-harness-169.jsonl")
    original = json.loads((LEGACY / "live-harness-169.jsonl").read_text().splitlines()[20])

    event = next(event for event in desk.events() if event.data.get("legacy", {}).get("line") == 21)

    assert event.data["legacy"] == {
        "line": 21,
        "event_id": original["event_id"],
        "time": original["timestamp"],
        "key": original["idempotency_key"],
        "actor": "live_test",
        "correlation": original["correlation_id"],
        "amount": repr(original["payload"]["amount"]),
        "balance_after": repr(original["payload"]["balance_after"]),
    }
    assert event.data["amount_micros"] == micros_of_legacy(repr(original["payload"]["amount"]))
    assert event.actor == "cli:tester"


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("1.0", 1_000_000),
        ("0.0000005", 0),
        ("0.0000015", 2),
        ("0.0000025", 2),
        ("1e2", 100_000_000),
        ("NaN", None),
        ("Infinity", None),
        ("1e30", None),
        (None, None),
    ],
)
def test_amounts_are_rounded_half_even(text: str | None, micros: int | None) -> None:
    """What no ledger could hold is no number."""
    assert micros_of_legacy(text) == micros


def test_an_import_needs_a_new_journal(desk: Desk) -> None:
    """Two histories cannot become one."""
    desk.open_account("ann")

    with pytest.raises(JournalNotEmpty):
        bring_in(desk, LEGACY / "live-harness-169.jsonl")


def test_progress_counts_lines(desk: Desk) -> None:
    """Done and in all."""
    seen: list[tuple[int, int]] = []

    import_legacy(
        source=LEGACY / "mixed-3000.jsonl",
        ledger=desk.ledger,
        is_strict=False,
        actor="cli:tester",
        progress=lambda done, total: seen.append((done, total)),
    )

    assert (seen[0], seen[-1]) == ((200, 3000), (3000, 3000))


GOOD = money("a", "allocated", 100.0, 100.0, second=1)
NEXT = money("a", "consumed", 10.0, 90.0, second=2)
AFTER = money("a", "consumed", 10.0, 80.0, second=3)
REQUESTED = {"request_id": "r", "action_type": "spend", "requester_id": "a", "risk_level": "HIGH"}
APPROVED = {"request_id": "r", "approver_id": "h", "justification": "ok", "action_type": "spend"}
CROWD = {"collaboration_id": "c", "mission_id": "m", "contribution_scores": dict.fromkeys(map(str, range(201)), 1)}


def without(line: dict[str, object], *names: str) -> dict[str, object]:
    """The line with fields missing."""
    return {name: value for name, value in line.items() if name not in names}


@pytest.mark.parametrize(
    ("lines", "faults"),
    [
        ([GOOD, NEXT, AFTER], {}),
        ([GOOD, money("a", "consumed", 100.0, 90.0, second=2), AFTER], {2: "balance-mismatch"}),
        ([GOOD, money("a", "consumed", 10.0, 95.0, second=2), AFTER], {2: "balance-mismatch"}),
        ([GOOD, AFTER], {2: "balance-mismatch"}),
        ([GOOD, AFTER, NEXT], {2: "out-of-order"}),
        ([NEXT, GOOD, AFTER], {1: "out-of-order"}),
        ([money("b", "allocated", 1.0, 1.0, second=9), GOOD, NEXT, AFTER], {1: "out-of-order"}),
        ([GOOD, "", "  ", NEXT], {}),
        ([GOOD, {**NEXT, "event_id": 5}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "event_id": "x" * 129}], {2: "not-a-record"}),
        ([GOOD, money("a", "consumed", "10.0", "90.0", second=2)], {2: "not-finite"}),
        ([GOOD, {**NEXT, "idempotency_key": "k-1"}, AFTER], {2: "duplicate-key"}),
        ([GOOD, NEXT, NEXT, AFTER], {3: "duplicate-event"}),
        ([GOOD, money("a", "consumed", None, None, second=2), AFTER], {2: "not-finite"}),
        ([GOOD, json.dumps(NEXT).replace("10.0", "NaN"), AFTER], {2: "not-finite"}),
        ([GOOD, json.dumps(NEXT).replace("10.0", "-Infinity"), AFTER], {2: "not-finite"}),
        ([GOOD, json.dumps(NEXT).replace("10.0", "1e400"), AFTER], {2: "not-finite"}),
        ([GOOD, money("a", "consumed", -10.0, 110.0, second=2)], {2: "not-positive"}),
        ([GOOD, money("a", "consumed", 0.0, 100.0, second=2)], {2: "not-positive"}),
        ([GOOD, money("a", "withdrawn", 150.0, -50.0, second=2)], {2: "negative-balance"}),
        ([GOOD, money("a", "allocated", 50.0, 50.0, second=2)], {2: "created-again"}),
        ([NEXT], {1: "unknown-entity"}),
        ([GOOD, "{broken", AFTER], {2: "not-json", 3: "balance-mismatch"}),
        ([GOOD, "[" * 5000, NEXT], {2: "not-json"}),
        ([GOOD, "5", NEXT], {2: "not-a-record"}),
        ([GOOD, '{"a":"\\ud800"}', NEXT], {2: "not-json"}),
        ([GOOD, json.dumps({**NEXT, "actor_id": "a\0b"})], {2: "not-a-record"}),
        ([GOOD, "x" * 70_000, NEXT], {2: "too-long"}),
        ([GOOD, without(NEXT, "idempotency_key")], {2: "not-a-record"}),
        ([GOOD, without(NEXT, "payload")], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "schema_version": 0}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "schema_version": "1"}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "correlation_id": " "}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "timestamp": "yesterday"}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "timestamp": "2026-01-01T00:00:02"}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "causation_id": 7}], {2: "not-a-record"}),
        ([GOOD, {**NEXT, "causation_id": "nobody"}], {2: "unknown-cause"}),
        ([GOOD, {**NEXT, "causation_id": "e-1"}, AFTER], {}),
        ([GOOD, fact("mission.rated", {}, second=2)], {2: "unknown-type"}),
        ([GOOD, fact("approval.approved", APPROVED, second=2)], {2: "unknown-request"}),
        ([GOOD, fact("approval.requested", {"request_id": "r"}, second=2)], {2: "not-a-record"}),
        ([fact("approval.requested", REQUESTED, second=n) for n in (1, 2)], {2: "requested-twice"}),
        (
            [
                fact("approval.requested", REQUESTED, second=1),
                fact("approval.approved", APPROVED, second=2),
                fact("approval.rejected", APPROVED, second=3),
            ],
            {3: "decided-twice"},
        ),
        ([fact("synergie.collaboration_recorded", CROWD, second=1)], {1: "not-a-record"}),
    ],
)
def test_each_kind_of_fault_has_its_name_and_line(tmp_path: Path, lines: list[object], faults: dict[int, str]) -> None:
    """One fault, one line, one code; what follows from it is no fault of its own."""
    assert faults_of(written(tmp_path, *lines)) == faults


@pytest.mark.parametrize(
    "lines",
    [
        [GOOD, money("a", "consumed", 100.0, 90.0, second=2), AFTER],
        [GOOD, AFTER, NEXT],
        [GOOD, NEXT, NEXT, AFTER],
        [GOOD, "{broken", "5", json.dumps(NEXT).replace("10.0", "NaN"), AFTER],
        [NEXT, GOOD],
        [GOOD, money("a", "withdrawn", 150.0, -50.0, second=2), AFTER],
        [fact("approval.requested", REQUESTED, second=1), *[fact("approval.approved", APPROVED, second=2)] * 2],
    ],
)
def test_whatever_is_wrong_in_the_source_what_is_written_is_sound(
    desk: Desk, tmp_path: Path, lines: list[object]
) -> None:
    """Every line is imported or refused by name, and the new journal holds every invariant."""
    report = bring_in(desk, written(tmp_path, *lines))

    refused = desk.types().count("import.line_refused")
    assert refused >= len(report.faults) > 0
    assert report.imported_count + refused == len(lines)
    desk.ledger.close()
    assert check_invariants(desk.path).is_held


def test_what_a_refused_creation_carries_away_is_its_consequence(desk: Desk, tmp_path: Path) -> None:
    """Credits that never came in cannot be spent: the line says whose fault it is."""
    other = money("b", "allocated", 5.0, 5.0, second=1)
    creation = money("a", "allocated", 100.0, 100.0, second=2, idempotency_key="k-1")
    file = written(tmp_path, other, creation, money("a", "consumed", 10.0, 90.0, second=3))

    report = bring_in(desk, file)

    assert {fault.line: fault.code for fault in report.faults} == {2: "duplicate-key"}
    assert [(problem.line, problem.code) for problem in report.consequences_of(2)] == [(3, "no-cover")]
    assert desk.ledger.agents() == ("b",)


def test_a_rejected_request_line_carries_its_decision_away(desk: Desk, tmp_path: Path) -> None:
    """The decision is a consequence, not a second fault."""
    file = written(
        tmp_path,
        GOOD,
        fact("approval.requested", REQUESTED, second=2, idempotency_key="k-1"),
        fact("approval.approved", APPROVED, second=3),
    )

    report = bring_in(desk, file)

    assert [fault.line for fault in report.faults] == [2]
    assert [problem.code for problem in report.consequences_of(2)] == ["unknown-request"]
    assert desk.types().count("import.line_refused") == 2


def test_an_entity_that_spends_all_ends_at_zero(desk: Desk, tmp_path: Path) -> None:
    """Three rounded thirds are a little more than the whole: nobody goes below zero for that."""
    third = 0.3333336
    file = written(
        tmp_path,
        money("a", "allocated", 3 * third, 3 * third, second=1),
        *(money("a", "consumed", third, (2 - n) * third, second=2 + n) for n in range(3)),
    )

    report = bring_in(desk, file)

    assert report.problems == ()
    assert desk.ledger.balance("a") == 0


def test_facts_keep_their_content(desk: Desk, tmp_path: Path) -> None:
    """Approvals, collaborations and reuse in our names, shares in millionths."""
    collaboration = {"collaboration_id": "c", "mission_id": "m", "agent_ids": ["a"], "contribution_scores": {"x": 0.5}}
    reuse = {
        "reuse_id": "u",
        "source_agent_id": "a",
        "reusing_agent_id": "b",
        "artifact_type": "code",
        "artifact_id": "f",
        "similarity_score": 0.75,
    }
    file = written(
        tmp_path,
        fact("synergie.collaboration_recorded", collaboration, second=1),
        fact("synergie.reuse_detected", reuse, second=2),
        fact("approval.requested", {**REQUESTED, "risk_level": "unheard", "action_context": {"n": 5}}, second=3),
    )

    bring_in(desk, file)

    together, reused, requested = (event.data for event in desk.events())
    assert (together["contributions_ppm"], together["agents"]) == ({"x": 500_000}, ["a"])
    assert reused["similarity_ppm"] == 750_000
    assert (requested["risk_level"], requested["context"]) == ("CRITICAL", '{"n": "5"}')
    assert requested["expires_at"] == "2026-01-04T00:00:03.000000Z"
    assert desk.ledger.approval("r").approvals_needed == 2


def test_a_cause_of_the_original_is_kept(desk: Desk, tmp_path: Path) -> None:
    """As the id that it was there."""
    bring_in(desk, written(tmp_path, GOOD, {**NEXT, "causation_id": "e-1"}))

    assert desk.events()[-1].data["legacy"]["causation"] == "e-1"


def test_a_file_past_the_limit_is_refused(desk: Desk, tmp_path: Path) -> None:
    """64 MiB are about 150,000 lines; more is no file of the original."""
    file = tmp_path / "huge.jsonl"
    with file.open("wb") as content:
        content.write(b'{"event_id":1}\n')
        content.truncate(65 * 2**20)

    with pytest.raises(UnreadableJournal, match="at most"):
        bring_in(desk, file)

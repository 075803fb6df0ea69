"""The checklist: every item red for its own reason, green otherwise, and what each stands against."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from console.checklist import (
    BuildFact,
    ChecklistFacts,
    ConditionFact,
    GateFact,
    Item,
    JournalFact,
    PredecessorFact,
    ReviewFact,
    RunsFact,
    WaiverFact,
    blockers,
    build_checklist,
)
from console.kernel.authority import Role
from console.phase_definition import Check
from console.release_states import Outcome, Seat, Word
from testruns.gates.verdicts import Verdict
from testruns.wording import spoken

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
SEATED = {Seat.ENGINEER: "Ada", Seat.TESTER: "Ben", Seat.REVIEWER: "Cleo"}
WHY = {"template": "measured %(n)s", "params": {"n": "7"}}
TOO_FEW = {"template": "one is missing", "params": {}}
REVIEW = ReviewFact(outcome=Outcome.APPROVE, open_findings=0, unanswered=())
CONDITION = ConditionFact(condition=4, text="watch it", owner="Ada", due_date=date(2026, 3, 9), is_overdue=True)
WAIVER = WaiverFact(waiver=3, rule="E05", expires_at=NOW + DAY, is_valid=True)


def gate(verdict: Verdict, rule: str | None = None) -> GateFact:
    return GateFact(gate="E", verdict=verdict, worst_rule=rule, why=WHY if rule else None)


SOUND = ChecklistFacts(
    request=7,
    build=BuildFact(build=1, name="gatehouse abc", is_clean=True, is_running=True),
    runs=RunsFact(deciding=(2, 1), full_count=5, green_count=3, missing=()),
    gates=(gate(Verdict.PASS, "E01"),),
    soak=gate(Verdict.PASS, "E02"),
    journal=JournalFact(at=NOW - DAY, events=0, is_sound=True),
    review=REVIEW,
    conditions=(),
    waivers=(),
    predecessors=(),
    seated=SEATED,
)

ALL_GREEN: dict[str, Any] = {"runs": dataclasses.replace(SOUND.runs, green_count=5)}
EVERY_CHECK = frozenset(Check)
ALL, GO, NONE = {Word.GO, Word.CONDITIONAL}, {Word.GO}, set[Word]()

RED: list[tuple[str, dict[str, Any], str, set[Word], str]] = [
    ("dirty", {"build": dataclasses.replace(SOUND.build, is_clean=False)}, "build", ALL, "in no commit"),
    ("few-runs", {"runs": dataclasses.replace(SOUND.runs, missing=(TOO_FEW,))}, "runs", ALL, "one is missing"),
    ("gate", {"gates": (gate(Verdict.FAIL, "E05"),)}, "gate-E", GO, "FAIL by rule E05: measured 7"),
    ("no-answer", {"gates": (gate(Verdict.INCONCLUSIVE),)}, "gate-E", GO, "no run has answered it"),
    ("soak", {"soak": gate(Verdict.INCONCLUSIVE, "E02")}, "soak", ALL, "measured 7"),
    ("no-soak", {"soak": None}, "soak", ALL, "not measured"),
    ("newer", {"runs": dataclasses.replace(SOUND.runs, red_since=(9, 8))}, "newer-runs", GO, "#9, #8 ended red"),
    ("never", {"journal": None}, "journal", ALL, "never verified"),
    ("unsound", {"journal": JournalFact(at=NOW, events=9, is_sound=False)}, "journal", ALL, "found faults"),
    (
        "day-old",
        {"journal": JournalFact(at=NOW - DAY - timedelta(seconds=1), events=9, is_sound=True)},
        "journal",
        ALL,
        "more than 24 hours ago",
    ),
    (
        "elsewhere",
        {"checks": EVERY_CHECK, **ALL_GREEN, "build": dataclasses.replace(SOUND.build, is_running=False)},
        "running-build",
        ALL,
        "another build than gatehouse abc",
    ),
    ("one-red", {"checks": EVERY_CHECK}, "all-green", GO, "3 of 5 full runs"),
    (
        "waived",
        {"checks": EVERY_CHECK, **ALL_GREEN, "waivers": (WAIVER,)},
        "no-waivers",
        GO,
        "the evidence rests on W-3 (E05)",
    ),
    ("no-review", {"review": None}, "review", ALL, "no review is signed"),
    (
        "unanswered",
        {"review": dataclasses.replace(REVIEW, unanswered=(3,))},
        "review",
        ALL,
        "does not answer the runs #3",
    ),
    ("finding", {"review": dataclasses.replace(REVIEW, open_findings=2)}, "review", GO, "2 critical or major"),
    ("half", {"review": dataclasses.replace(REVIEW, outcome=Outcome.CONDITIONAL)}, "review", GO, "CONDITIONAL"),
    ("changes", {"review": dataclasses.replace(REVIEW, outcome=Outcome.REQUEST_CHANGES)}, "review", ALL, "CHANGES"),
    ("reject", {"review": dataclasses.replace(REVIEW, outcome=Outcome.REJECT)}, "review", ALL, "REJECT"),
    ("condition", {"conditions": (CONDITION,)}, "conditions", GO, "1 open, 1 of them overdue: watch it"),
    ("waiver", {"waivers": (dataclasses.replace(WAIVER, is_valid=False),)}, "waivers", GO, "W-3 (E05) expired"),
    ("seat", {"seated": {Seat.ENGINEER: "Ada"}}, "seats", ALL, "nobody is left for it: tester"),
    (
        "before",
        {"predecessors": (PredecessorFact(phase="5a", opens=False, label="not released"),)},
        "predecessor",
        ALL,
        "phase 5a: not released",
    ),
]


def checklist(**changes: Any) -> dict[str, Item]:
    return {item.code: item for item in build_checklist(dataclasses.replace(SOUND, **changes), now=NOW)}


def said(item: Item) -> str:
    return spoken(template=item.why["template"], params=item.why["params"])


def test_sound_facts_make_every_item_green() -> None:
    """Then nothing stands against any decision."""
    items = checklist()

    assert [code for code, item in items.items() if not item.is_green] == []
    assert list(items) == [
        "build",
        "runs",
        "gate-E",
        "soak",
        "newer-runs",
        "journal",
        "review",
        "conditions",
        "waivers",
        "seats",
        "predecessor",
    ]


@pytest.mark.parametrize(("changes", "code", "blocks", "why"), [row[1:] for row in RED], ids=[row[0] for row in RED])
def test_one_wrong_fact_makes_one_item_red(changes: dict[str, Any], code: str, blocks: set[Word], why: str) -> None:
    """It says why, names who can clear it, and stands against the decisions it must."""
    items = checklist(**changes)

    red = [item for item in items.values() if not item.is_green]
    assert [item.code for item in red] == [code]
    assert why in said(red[0])
    assert red[0].who_can_clear
    assert {word for word in Word if blockers(tuple(items.values()), word)} == blocks


def test_a_check_that_is_off_is_not_on_the_list() -> None:
    """Nothing of it blocks, however the facts are; all others stay."""
    items = checklist(checks=frozenset(), journal=None)

    assert "journal" not in items
    assert all(item.is_green for item in items.values())


def test_every_check_that_is_on_is_on_the_list() -> None:
    """Green, in the order in which people clear them."""
    items = checklist(checks=EVERY_CHECK, **ALL_GREEN)

    assert list(items)[5:9] == ["running-build", "all-green", "no-waivers", "journal"]
    assert all(item.is_green for item in items.values())


def test_an_empty_journal_says_so() -> None:
    """Verified yesterday to the second: still green."""
    assert said(checklist()["journal"]).startswith("0 events")


def test_no_full_run_at_all_is_not_counted_twice() -> None:
    """That some are missing says it; "0 of 0 green" would say nothing more."""
    none = RunsFact(deciding=(), full_count=0, green_count=0, missing=(TOO_FEW,))

    assert said(checklist(runs=none)["runs"]) == "one is missing"


def test_nothing_is_said_of_overdue_conditions_while_there_are_none() -> None:
    """What is open is said, and what must be done."""
    in_time = dataclasses.replace(CONDITION, is_overdue=False)

    assert said(checklist(conditions=(in_time,))["conditions"]) == "1 open: watch it"


def test_three_of_five_full_runs_green_is_said() -> None:
    """Green or not, the count of all of them is there."""
    assert "3 of 5 full runs green" in said(checklist()["runs"])
    assert "3 of 5 full runs green" in said(checklist(runs=dataclasses.replace(SOUND.runs, missing=(TOO_FEW,)))["runs"])


def test_a_waived_gate_is_green_and_says_by_what() -> None:
    """The rule that failed is named."""
    item = checklist(gates=(gate(Verdict.WAIVED, "E05"),), waivers=(WAIVER,))["gate-E"]

    assert item.is_green
    assert "rule E05 is waived" in said(item)


def test_a_build_that_does_not_run_here_is_said_without_being_red() -> None:
    """A release may be prepared elsewhere; that it is not this build shows."""
    item = checklist(build=dataclasses.replace(SOUND.build, is_running=False))["build"]

    assert item.is_green
    assert "another build" in said(item)


def test_missing_seats_name_the_people_who_may_still_sign() -> None:
    """The first missing seat, in the order in which they are signed."""
    item = checklist(seated={Seat.ENGINEER: "Ada"}, eligible={Seat.TESTER: ("Ben", "Bo")})["seats"]

    assert item.people == ("Ben", "Bo")
    assert item.who_can_clear == (Role.TESTER,)


@pytest.mark.parametrize(
    ("outcome", "open_findings", "is_green"),
    [(Outcome.CONDITIONAL, 0, True), (Outcome.CONDITIONAL, 1, False), (Outcome.REJECT, 0, False)],
)
def test_closed_conditions_answer_a_conditional_review(outcome: Outcome, open_findings: int, is_green: bool) -> None:
    """The GO after a CONDITIONAL; an open critical or major finding still blocks it."""
    review = ReviewFact(outcome=outcome, open_findings=open_findings, unanswered=())

    items = checklist(review=review, is_closing=True)

    assert items["review"].is_green is is_green
    assert bool(blockers(tuple(items.values()), Word.GO)) is not is_green


def test_nothing_on_the_checklist_stands_against_no_go() -> None:
    """Whoever sees that it will not do says so at any time."""
    worst = {name: value for row in RED for name, value in row[1].items()}

    assert blockers(tuple(checklist(**worst).values()), Word.NO_GO) == ()


@pytest.mark.parametrize(("waiver", "link"), [("5a/1/E03", "waivers:5a/1/E03"), ("", "")])
def test_a_red_gate_leads_to_the_waiver_that_can_be_asked_for(waiver: str, link: str) -> None:
    """Only a measured failure of a rule that may be waived; a green gate leads nowhere."""
    red = dataclasses.replace(gate(Verdict.FAIL, "E03"), waiver=waiver)
    green = dataclasses.replace(red, verdict=Verdict.WAIVED)

    assert checklist(gates=(red,))["gate-E"].link == link
    assert checklist(gates=(green,))["gate-E"].link == ""

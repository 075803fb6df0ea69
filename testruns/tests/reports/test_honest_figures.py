"""Figures that were misread before: drift by account, lag, spread of the disk, refusals, noise, scope, units."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from testruns.evidence import path_of
from testruns.gates.measured import MeasuredExecution, Measurement
from testruns.models import Attempt, Run
from testruns.reports import render
from testruns.reports.words import figure
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.reports.conftest import MakeJudged
from testruns.tests.reports.reading import page_of

STORM_ACCOUNTS: list[dict[str, Any]] = [
    {"name": "agent:storm-3", "live_micros": 97, "journal_micros": 100, "drift_micros": 3},
    {"name": "agent:storm-1", "live_micros": 5000, "journal_micros": 5000, "drift_micros": 0},
]

STORM_FIGURES = {
    "accepted_per_second": ("310", "operations/s"),
    "refused_per_second": ("590", "operations/s"),
    "load_ms": ("1290", "ms"),
}


def output_of(*accounts: dict[str, Any]) -> bytes:
    """What a child prints about its accounts, with other lines around it."""
    messages = [{"type": "hello"}, *({"type": "account", **account} for account in accounts), {"type": "done"}]
    return b"".join(json.dumps(message, separators=(",", ":")).encode() + b"\n" for message in messages)


def measuring(changed: MeasuredExecution, **values: tuple[str, str]) -> MeasuredExecution:
    """The execution with further measurements: value and unit by name."""
    more = {name: Measurement(name=name, value=Decimal(value), unit=unit) for name, (value, unit) in values.items()}
    return dataclasses.replace(changed, measurements={**changed.measurements, **more})


def rows_of(run: Run, *, width: int, language: str = "en") -> dict[str, list[str]]:
    """The rows of all tables of a width by their first cell."""
    return {
        row[0]: row[1:] for row in page_of(render(run=run, kind="html", language=language)).rows if len(row) == width
    }


def test_appendix_b_names_every_account_with_its_drift(make_judged: MakeJudged) -> None:
    """The drifting one first; what ledger and journal say stands beside it, and in the JSON report as well."""
    storm = measuring(execution("credit_storm", drift_micros_max="3"), accounts_checked=("2", "count"))
    run = make_judged(sound_run(storm), outputs={"credit_storm": output_of(*STORM_ACCOUNTS)})

    rows = [row for row in page_of(render(run=run, kind="html", language="en")).rows if row[0] == "credit_storm (50)"]

    assert [row[1:] for row in rows if len(row) == 5 and row[1].startswith("agent:")] == [
        ["agent:storm-3", "97", "100", "3"],
        ["agent:storm-1", "5,000", "5,000", "0"],
    ]
    scenarios = json.loads(render(run=run, kind="json"))["scenarios"]
    by_code = {scenario["code"]: scenario["accounts"] for scenario in scenarios}
    assert by_code["credit_storm"] == STORM_ACCOUNTS
    assert by_code["ml_chaos"] == []


@pytest.mark.parametrize(
    ("checked", "note"),
    [
        ("2", None),
        ("0", "credit_storm (50) has no accounts"),
        ("302", "credit_storm (50) has 300 more accounts; the drift of none is larger than of those listed"),
        (None, "credit_storm (50): no account was measured by itself"),
    ],
)
def test_what_the_table_of_accounts_leaves_out_is_said(
    make_judged: MakeJudged, checked: str | None, note: str | None
) -> None:
    """No accounts, more than are listed, or not measured: never silence."""
    storm = execution("credit_storm")
    if checked is not None:
        storm = measuring(storm, accounts_checked=(checked, "count"))
    told = STORM_ACCOUNTS if checked in ("2", "302") else []
    run = make_judged([storm], outputs={"credit_storm": output_of(*told)})

    text = page_of(render(run=run, kind="html", language="en")).text

    notes = text.split("Drift of each account")[1].split("Appendix C")[0]
    assert (note in notes) if note else ("credit_storm (50):" not in notes and "more accounts" not in notes)


def test_evidence_that_was_changed_on_disk_shows_no_accounts_but_why(make_judged: MakeJudged, storage: Path) -> None:
    """A drift of zero cannot be written into the evidence afterwards."""
    run = make_judged([execution("credit_storm")], outputs={"credit_storm": output_of(*STORM_ACCOUNTS)})
    digest = Attempt.objects.get(execution__run=run).output_id
    assert digest is not None
    path_of(digest).chmod(0o644)
    path_of(digest).write_bytes(output_of(STORM_ACCOUNTS[1]))

    text = page_of(render(run=run, kind="html", language="en")).text

    assert f"The evidence file {digest} was changed" in text.split("Drift of each account")[1]
    assert "agent:storm" not in text


@pytest.mark.parametrize(
    "line",
    [b'{"type":"account"', b'["account"]', b'{"type":"account","name":7}', b'{"type":"account","name":"agent:x"}'],
)
def test_a_broken_line_about_an_account_is_no_account(make_judged: MakeJudged, line: bytes) -> None:
    """The output of a child that broke the protocol is evidence too, and may hold anything."""
    run = make_judged([execution("credit_storm")], outputs={"credit_storm": line + b"\n"})

    scenario = json.loads(render(run=run, kind="json"))["scenarios"][0]

    assert scenario["accounts"] == []


def test_projection_lag_is_printed_in_digits_that_matter(make_judged: MakeJudged) -> None:
    """Percentiles in ms, in the reader's language, with what the word means."""
    soak = measuring(
        execution("load_reality"),
        projection_lag_p50_us=("1391", "us"),
        projection_lag_p95_us=("4927", "us"),
        projection_lag_max_us=("6343", "us"),
    )
    run = make_judged(sound_run(soak))

    said = "half within 1.39 ms, 95 percent within 4.93 ms, at most 6.34 ms"
    assert rows_of(run, width=4)["Projection lag (soak)"] == [said, "no limit", "–"]
    assert "another process, which only reads the journal" in page_of(render(run=run, kind="html", language="en")).text


def test_the_disk_floor_is_printed_with_its_spread(make_judged: MakeJudged) -> None:
    """A median alone would pass for a property of the disk."""
    rows = rows_of(make_judged(sound_run()), width=2)

    assert rows["Disk floor (fsync per second)"] == ["1,234 (233 to 14,474 in 3 slices of 500 ms)"]
    assert rows["Disk floor, 95 percent within"] == ["1.9 ms"]


def test_a_disk_floor_of_an_earlier_version_is_printed_as_it_is(make_judged: MakeJudged) -> None:
    """Its spread was not measured then."""
    floor = {"fsyncs_per_second": 1234, "p50_us": 800, "p99_us": 2100}
    rows = rows_of(make_judged(sound_run(), environment={"disk": {"floor": floor}}), width=2)

    assert rows["Disk floor (fsync per second)"] == ["1,234"]
    assert rows["Disk floor, 95 percent within"] == ["not measured"]


def test_the_storm_says_what_was_carried_out_and_what_was_refused(make_judged: MakeJudged) -> None:
    """Accepted and refused per second and the measured time stand apart."""
    rows = rows_of(make_judged(sound_run(measuring(execution("credit_storm"), **STORM_FIGURES))), width=4)

    assert rows["Throughput (storm), refusals included"][0] == "900 operations/s"
    assert rows["of these carried out"][0] == "310 operations/s"
    assert rows["of these refused for lack of credits, a right answer"][0] == "590 operations/s"
    assert rows["measured over"][0] == "1.29 s"


def test_the_storms_of_a_sweep_say_which_level_they_had(make_judged: MakeJudged) -> None:
    """Two levels, two figures in one line."""
    storms = (measuring(execution("credit_storm", concurrency=level), **STORM_FIGURES) for level in (50, 300))

    rows = rows_of(make_judged(sound_run(*storms)), width=4)

    assert rows["measured over"][0] == "50: 1.29 s; 300: 1.29 s"


def test_the_soaks_of_a_sweep_say_which_level_they_had(make_judged: MakeJudged) -> None:
    """Throughput, memory and lag of the first level alone would pass for those of all."""
    levels = {50: "102", 300: "97"}
    soaks = (
        measuring(execution("load_reality", concurrency=level), operations_per_second=(rate, "operations/s"))
        for level, rate in levels.items()
    )

    rows = rows_of(make_judged(sound_run(*soaks)), width=4)

    assert rows["Average throughput (soak)"][0] == "50: 102 operations/s; 300: 97 operations/s"
    assert rows["Memory peak (soak)"][0] == "50: 64.5 MB; 300: 64.5 MB"
    assert rows["Projection lag (soak)"][0] == "50: not measured; 300: not measured"


def test_the_largest_memory_names_its_scenario(make_judged: MakeJudged) -> None:
    """The storm takes more than the soak: a peak of the soak alone would hide it."""
    rows = rows_of(make_judged(sound_run(), peaks={"credit_storm": 102_300_000}), width=4)

    assert rows["Memory peak (soak)"][0] == "64.5 MB"
    assert rows["Memory peak, largest of the scenarios"][0] == "102.3 MB: credit_storm (50)"


@pytest.mark.parametrize(
    ("size", "said"), [(250, "250 bytes"), (4_534, "4.5 kB"), (2_340_000, "2.3 MB"), (1_000_000, "1 MB")]
)
def test_the_size_of_evidence_is_never_rounded_to_nothing(size: int, said: str) -> None:
    """Most evidence is a few kilobytes: "0 MB" would say that it is empty."""
    assert figure(size, "bytes") == said


def test_the_ci_score_has_one_unit_everywhere(make_judged: MakeJudged) -> None:
    """A score from 0 to 1, in the table of scenarios as in the key metrics and the rules."""
    run = make_judged(sound_run(execution("ml_chaos", ci_ppm_min="509769")))

    text = page_of(render(run=run, kind="html", language="en")).text

    assert "ci_ppm_min: 0.509769;" in text
    assert rows_of(run, width=4)["CI score, lowest"][0] == "0.509769"
    assert "50.9769" not in text


def test_the_scope_counts_what_finished(make_judged: MakeJudged) -> None:
    """A scenario that did not finish was planned only; of a sweep every level counts."""
    executions = sound_run(
        execution("credit_storm"),
        execution("credit_storm", concurrency=300, state=ExecutionState.ERRORED),
        execution("ml_chaos", state=ExecutionState.CANCELLED),
    )

    rows = rows_of(make_judged(executions), width=2)

    assert rows["Scope"] == ["5 of 7 planned scenarios finished; the live suite has 7"]


def test_what_did_not_finish_is_named_with_its_level_its_end_and_the_reason(make_judged: MakeJudged) -> None:
    """Of a sweep the level that was cancelled, and no two words for its end run into each other."""
    executions = sound_run(
        execution("credit_storm"), execution("credit_storm", concurrency=300, state=ExecutionState.CANCELLED)
    )
    run = make_judged(executions)
    run.executions.filter(concurrency=300).update(error="cancelled by a person")

    text = page_of(render(run=run, kind="html", language="en")).text

    assert "credit_storm (300): cancelled – cancelled by a person" in text


def test_a_busy_machine_is_a_warning_and_stands_beside_the_limit(make_judged: MakeJudged) -> None:
    """In the findings, and in the table of the machine, where the limit of the policy stands beside it."""
    run = make_judged(sound_run(execution("load_reality", foreign_load_ppm="448939")))

    noise = rows_of(run, width=5)["noise"]
    assert noise[0] == "warning"
    assert noise[1].endswith("measured were: load_reality (50): steal 0.1 %, foreign load 44.9 %")
    machine = rows_of(run, width=2)
    assert machine["Foreign load, largest of the scenarios"] == ["44.9 % (the policy allows 25 %)"]
    assert machine["Steal, largest of the scenarios"] == ["0.1 % (the policy allows 5 %)"]
    assert run.recommendation == "GO"

"""Sections 1, 8, 9 and 10: what the report advises follows from the rules, and nobody signs a file."""

from __future__ import annotations

import pytest

from console.seeds import PHASES
from testruns.gates.measured import MeasuredExecution
from testruns.models import Run
from testruns.phases import PHASES_TO_RELEASE
from testruns.reports import LANGUAGES, render
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.reports.conftest import MakeJudged
from testruns.tests.reports.reading import page_of

ADVICE = {
    "release": "Present phase 5a for release",
    "test on": "Keep testing for 3 to 7 days",
    "repair": "Repair the critical faults first",
    "measure": "Measure what is missing",
    "leave": "Leave the architecture as it is",
}


def ticked(run: Run) -> set[str]:
    """The words of ADVICE whose box is ticked in section 9."""
    lines = render(run=run, kind="markdown", language="en").decode().split("## 9. ")[1].split("## 10. ")[0].splitlines()
    boxes = [line for line in lines if line.startswith("- [x] ")]
    return {word for word, text in ADVICE.items() if any(text in box for box in boxes)}


@pytest.mark.parametrize(
    ("executions", "expected"),
    [
        (sound_run(), {"release", "leave"}),
        (sound_run(execution("load_reality", p95_us="600000")), {"test on", "leave"}),
        (sound_run(execution("load_reality", duration_seconds="30")), {"measure", "leave"}),
        (sound_run(execution("credit_storm", double_charges="1")), {"repair"}),
        (sound_run(execution("credit_storm", double_charges=None)), {"measure"}),
        (sound_run(execution("load_reality", p95_us="1500000")), {"repair"}),
        (sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)), {"measure"}),
        ([execution("credit_storm")], {"measure"}),
        ([execution("credit_storm", double_charges="1")], {"repair", "measure"}),
    ],
    ids=["go", "major", "short soak", "critical", "unmeasured", "blocking", "unfinished", "part", "part and critical"],
)
def test_each_line_of_advice_is_ticked_by_what_was_measured(
    make_judged: MakeJudged, executions: list[MeasuredExecution], expected: set[str]
) -> None:
    """The architecture may stay when every critical rule was measured and holds, whatever else is missing."""
    assert ticked(make_judged(executions)) == expected


@pytest.mark.parametrize(
    ("language", "promised", "told", "pending"),
    [
        ("en", "sign below", "who sign in the console", "PENDING"),
        ("de", "unten unterschreiben", "in der Konsole", "OFFEN"),
    ],
)
def test_nobody_is_told_to_sign_a_file(
    make_judged: MakeJudged, language: str, promised: str, told: str, pending: str
) -> None:
    """The rows are open, and summary, phases and sign-off all send people to the console."""
    text = page_of(render(run=make_judged(sound_run()), kind="html", language=language)).text

    assert promised not in text
    assert text.count(told) >= (3 if language == "de" else 1)
    assert text.count(pending) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_phases_have_the_names_the_console_gives_them(make_judged: MakeJudged, language: str) -> None:
    """One list for both, so that nobody has to guess whether two names mean one phase."""
    page = page_of(render(run=make_judged(sound_run()), kind="html", language=language))

    rows = {row[0]: row[1] for row in page.rows if len(row) == 4}
    planted = {code: title for code, title, _state in PHASES}
    assert [phase.code for phase in PHASES_TO_RELEASE] == ["5a", "6a", "7a", "8a"]
    assert {phase.code: phase.title for phase in PHASES_TO_RELEASE}.items() <= planted.items()
    if language == "en":
        assert {phase.code: rows[phase.code] for phase in PHASES_TO_RELEASE}.items() <= planted.items()

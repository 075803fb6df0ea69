"""Names and error output come from outside: nothing in them becomes markup, and nothing missing is made up."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testruns.evidence import path_of
from testruns.models import Attempt
from testruns.reports import render
from testruns.reports.markdown_report import escaped
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.reports.conftest import MakeJudged
from testruns.tests.reports.reading import SECTIONS, markdown_sections, page_of

HOSTILE = (
    "<script>alert(1)</script> </td></pre> [a](javascript:alert(2)) | `x` ```\n# 11. Forged\n\x1b[31m \u202egp\x00"
)


def test_hostile_error_output_stays_text_in_html(make_judged: MakeJudged) -> None:
    """No script, no closed table, no forged heading; the text itself is readable."""
    run = make_judged(
        sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)),
        errors={"ml_chaos": (HOSTILE, HOSTILE.encode())},
        environment={"machine": {"processor": HOSTILE}},
    )

    content = render(run=run, kind="html", language="en")

    page = page_of(content)
    assert page.headings == SECTIONS["en"]
    assert "script" not in page.tags
    assert "alert(1)" in page.text
    assert b"\x1b" not in content.split(b"Error output")[1]
    assert "\u202e" not in page.text.split("Error output")[1]


def test_hostile_error_output_stays_text_in_markdown(make_judged: MakeJudged) -> None:
    """Neither HTML nor a link nor a heading nor the end of a code block comes out of it."""
    run = make_judged(
        sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)),
        errors={"ml_chaos": (HOSTILE, HOSTILE.encode())},
    )

    content = render(run=run, kind="markdown", language="en")

    assert markdown_sections(content) == SECTIONS["en"]
    outside_code = re.sub(r"^(`{3,})text\n.*?\n\1$", "", content.decode(), flags=re.MULTILINE | re.DOTALL)
    assert "<script>" not in outside_code
    assert "[a](" not in outside_code
    assert "&lt;script&gt;" in outside_code
    assert "\n# 11. Forged" not in outside_code


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a|b", r"a\|b"),
        ("*bold* _x_", r"\*bold\* \_x\_"),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("12) item", r"12\) item"),
        ("a - b 1. c", "a - b 1. c"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("![x](y)", r"\!\[x\](y)"),
        ("two\nlines", "two lines"),
        ("p95_us", r"p95\_us"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_markdown_signs_are_made_harmless(text: str, written: str) -> None:
    """Each sign that could be markup is escaped, and only those."""
    assert escaped(text) == written


@pytest.mark.parametrize(("language", "crashed"), [("en", "crashed"), ("de", "abgestürzt")])
def test_a_run_with_errors_shows_them_in_its_last_appendix(
    make_judged: MakeJudged, language: str, crashed: str
) -> None:
    """State, error and error output of each attempt, and the scenario among the findings."""
    run = make_judged(
        sound_run(execution("ml_chaos", state=ExecutionState.ERRORED)),
        errors={
            "ml_chaos": ("exit code 1 without done", b"Traceback:\n  ValueError: no\n"),
            "crash_replay": ("", b"hm\n"),
            "approval_race": ("the lease was lost", b""),
        },
    )

    text = page_of(render(run=run, kind="html", language=language)).text

    last = text.split(SECTIONS[language][-1])[-1]
    assert "ml_chaos (50)" in last
    assert "exit code 1 without done" in last
    assert "ValueError: no" in last
    assert "hm" in last
    assert "the lease was lost" in last
    assert f"ml_chaos (50): {crashed} – exit code 1 without done" in text
    assert ("Provisional:" if language == "en" else "Vorläufig:") in text


def test_long_error_output_is_cut_and_says_so(make_judged: MakeJudged) -> None:
    """The end is kept, because there the reason stands; the evidence has the rest."""
    run = make_judged(sound_run(), errors={"ml_chaos": ("", b"x" * 20_000 + b"THE END")})

    content = render(run=run, kind="markdown", language="en").decode()

    assert "(only the last 16,000 of 20,007 characters)" in content
    assert "THE END" in content
    assert "x" * 16_001 not in content


def test_evidence_that_was_changed_on_disk_is_named_and_not_shown(make_judged: MakeJudged, storage: Path) -> None:
    """The report says that the evidence is damaged instead of printing what lies there now."""
    run = make_judged(sound_run(), errors={"ml_chaos": ("", b"the truth\n")})
    digest = Attempt.objects.get(stderr__isnull=False).stderr_id
    assert digest is not None
    path = path_of(digest)
    path.chmod(0o600)
    path.write_bytes(b"another story\n")

    content = render(run=run, kind="markdown", language="en").decode()

    assert "another story" not in content
    assert f"The evidence file {digest} was changed" in content


@pytest.mark.parametrize(("language", "missing"), [("en", "not measured"), ("de", "nicht gemessen")])
def test_missing_figures_print_as_not_measured(make_judged: MakeJudged, language: str, missing: str) -> None:
    """No environment, no inventory, no person, no soak: the report is complete and invents nothing."""
    run = make_judged(
        [execution("credit_storm", p95_us=None, operations_per_second=None)],
        environment={},
        opened=None,
        requested_by=None,
    )

    page = page_of(render(run=run, kind="html", language=language))

    assert page.headings == SECTIONS[language]
    pairs = {row[0]: row[1] for row in page.rows if len(row) == 2}
    processor = {"en": "Processor", "de": "Prozessor"}[language]
    assert pairs[processor] == missing
    inventory = {row[0]: row[1] for row in page.rows if len(row) == 3}
    assert (inventory["PostgreSQL"], inventory["Redis"]) == (missing, missing)
    assert f"p95_us: {missing}" in page.text


def test_a_report_without_failures_says_none(make_judged: MakeJudged) -> None:
    """Empty lists are said, not left blank."""
    text = page_of(render(run=make_judged(sound_run()), kind="html", language="de")).text

    assert text.count("Keine.") == 4

"""Reports of a judged run: every section in its order, in both languages, in every format, with real figures."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from console.kernel import audit
from testruns.gates.measured import MeasuredExecution
from testruns.gates.policy import SHIPPED_DIGEST, shipped_policy
from testruns.gates.suite import SUITE
from testruns.models import GatePolicy, Run
from testruns.reports import KINDS, LANGUAGES, render
from testruns.run_states import ExecutionState
from testruns.tests.gates.builders import execution, sound_run
from testruns.tests.reports.conftest import MakeJudged
from testruns.tests.reports.reading import SECTIONS, markdown_sections, page_of, tables_of


@pytest.fixture
def sound(make_judged: MakeJudged) -> Run:
    """A full run in which everything holds."""
    return make_judged(sound_run())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_html_report_has_every_section_in_its_order(sound: Run, language: str) -> None:
    """Ten sections and three appendices, in the language of the file."""
    page = page_of(render(run=sound, kind="html", language=language))

    assert page.headings == SECTIONS[language]
    assert page.language == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_markdown_report_has_every_section_in_its_order(sound: Run, language: str) -> None:
    """The same sections as the HTML file."""
    assert markdown_sections(render(run=sound, kind="markdown", language=language)) == SECTIONS[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_formats_say_the_same(sound: Run, language: str) -> None:
    """Every cell of every table of the HTML file stands in the Markdown file, in the same place."""
    rows = page_of(render(run=sound, kind="html", language=language)).rows
    tables = tables_of(render(run=sound, kind="markdown", language=language))

    def plain(cell: str) -> str:
        text = cell.replace("\\", "").replace("**", "")
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
            text = text.replace(entity, sign)
        return text

    in_markdown = [[plain(cell) for cell in row] for table in tables for row in table]
    in_html = [[plain(cell) for cell in row] for row in rows]
    dynamic = {"Report made at", "Bericht erstellt"}
    assert [row for row in in_markdown if row[0] not in dynamic] == [row for row in in_html if row[0] not in dynamic]


def test_the_html_report_stands_alone_and_prints_on_paper(sound: Run) -> None:
    """No script, nothing loaded from anywhere, a policy that forbids both, and the format of a page."""
    content = render(run=sound, kind="html", language="de")
    page = page_of(content)

    assert {"script", "img", "link", "iframe", "form"}.isdisjoint(page.tags)
    assert {"src", "action", "style"}.isdisjoint(name for name, _ in page.attributes)
    assert all(name != "href" or (value or "").startswith("#") for name, value in page.attributes)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    assert b"size: A4" in content
    assert b"@import" not in content
    assert b"url(" not in content


def test_the_title_block_binds_the_report_to_build_manifest_and_audit_chain(sound: Run) -> None:
    """Commit, tester, policy, manifest and the head of the audit chain stand at the top."""
    head = dict(tables_of(render(run=sound, kind="markdown", language="en"))[0][1:])

    assert head["Branch / commit"] == f"main / {sound.build.commit}"
    assert head["Tester"] == "Tess Tester"
    assert head["Scope"] == "7 of 7 planned scenarios finished; the live suite has 7"
    assert head["Policy"] == f"shipped 1, {SHIPPED_DIGEST}"
    assert head["Run manifest (SHA-256)"] == sound.manifest_digest
    assert head["Head of the audit chain"] == f"{audit.head().index}: {audit.head().hash}"


def test_a_policy_that_people_made_is_not_called_shipped(sound: Run) -> None:
    """Its number says which one it is; only what came with the installation was shipped."""
    policy = GatePolicy(code="shipped", number=2, edited_by=sound.requested_by)

    assert (str(policy), str(sound.policy)) == ("policy 2", "shipped 1")


def test_the_rules_are_listed_with_expected_measured_margin_and_source(sound: Run) -> None:
    """Passed rules are listed as well, with figures in their units."""
    rows = {row[0]: row for row in page_of(render(run=sound, kind="html", language="en")).rows if len(row) == 8}

    assert {rule.code for rule in sound.rule_results.all()} <= rows.keys()
    assert rows["E03"][2:] == [
        "major",
        "< 500 ms (blocking from 1,000 ms)",
        "20 ms",
        "96 %",
        "load_reality.p95_us",
        "PASS",
    ]
    assert rows["A01"][3:7] == ["= 0", "0", "0", "double_charges of 7 scenarios"]


def test_figures_are_written_in_the_readers_language(sound: Run) -> None:
    """German groups thousands with a point and has a comma before decimals."""
    german = page_of(render(run=sound, kind="html", language="de")).text

    assert "< 500 ms (sperrend ab 1.000 ms)" in german
    assert "< 0,1 MB/min (sperrend ab 0,5 MB/min)" in german
    assert "12,3 s" in german
    assert "Wurde kein Befehl doppelt belastet?" in german
    assert "Alle 33 entscheidenden Regeln halten in allen 7 Szenarien." in german


def test_a_german_report_says_nothing_of_ours_in_english(make_judged: MakeJudged) -> None:
    """Headings, verdicts, profiles and the four words; codes and names of measurements are the same everywhere."""
    failed = make_judged(sound_run(execution("load_reality", p95_us="1200000")))

    german = page_of(render(run=failed, kind="html", language="de")).text

    english = ("PASS", "FAIL", "PENDING", "CONDITIONAL", "INCOMPLETE", "Executive", "Findings", "Metrics", "Sign-Off")
    assert [word for word in (*english, "Appendix", "profile") if re.search(rf"\b{word}\b", german)] == []
    assert all(word in german for word in ("E03 NICHT BESTANDEN", "NO-GO", "Unterschriften", "Profil voll"))


def test_key_metrics_stand_beside_their_limits(sound: Run) -> None:
    """Throughput, latency, memory and CI score; what was not measured says so."""
    rows = {row[0]: row[1:] for row in page_of(render(run=sound, kind="html", language="en")).rows if len(row) == 4}

    assert rows["P95 latency (soak)"] == ["20 ms", "< 500 ms (blocking from 1,000 ms)", "PASS"]
    assert rows["Memory peak (soak)"] == ["64.5 MB", "no limit", "–"]
    assert rows["Projection lag (soak)"] == ["not measured", "no limit", "–"]
    assert rows["CI score, lowest"] == ["0.42", "≥ 0.3", "PASS"]
    assert rows["Average throughput (soak)"] == ["not measured", "offered: 100 operations/s", "–"]


def test_the_inventory_is_what_the_processes_really_opened(sound: Run) -> None:
    """ "Needs no database" is a result: no connection to one was seen."""
    page = page_of(render(run=sound, kind="html", language="de"))
    rows = {row[0]: row[1:] for row in page.rows if len(row) == 3}

    assert rows["Datei-Journal"] == ["offen gesehen", "Dateien im eigenen Verzeichnis des Laufs: 1"]
    assert rows["PostgreSQL"] == ["nicht offen gesehen", "Verbindungen zu Port 5432 oder dessen Socket-Datei: 0"]
    assert rows["Redis"][0] == "nicht offen gesehen"
    assert rows["Lokales Netz"][0] == "offen gesehen"
    assert rows["Andere Maschinen"][0] == "nicht offen gesehen"
    assert "<run>/journal/#.log" in page.text
    assert "Was nur zwischen zwei Blicken offen war, steht nicht hier." in page.text


def test_a_connection_to_a_database_is_seen(make_judged: MakeJudged) -> None:
    """The inventory can fail: sockets of PostgreSQL, Redis and another machine are named."""
    sockets = [
        "inet 10.0.0.5:41000 -> 10.0.0.9:5432 ESTABLISHED",
        "inet6 ::1:41001 -> ::1:6379 ESTABLISHED",
        "inet 127.0.0.1:8000 LISTEN",
        "unix /run/postgresql/.s.PGSQL.5432 NONE",
    ]
    run = make_judged(sound_run(), opened={"files": [f"/data/{number}" for number in range(50)], "sockets": sockets})

    page = page_of(render(run=run, kind="html", language="en"))

    rows = {row[0]: row[1:] for row in page.rows if len(row) == 3}
    assert rows["PostgreSQL"] == ["was seen open", "connections to port 5432 or its socket file: 2"]
    assert rows["Redis"][0] == "was seen open"
    assert rows["Local network"] == ["was seen open", "connections within this machine, such as the KARMA endpoint: 2"]
    assert rows["Other machines"] == ["was seen open", "connections to other machines: 1"]
    assert "10 more, all of them in the JSON report" in page.text


@pytest.mark.parametrize(("language", "pending"), [("en", "PENDING"), ("de", "OFFEN")])
def test_four_rows_wait_for_signatures(sound: Run, language: str, pending: str) -> None:
    """Engineer, tester, reviewer, supervisor: nobody has signed, and the report says so."""
    rows = [row for row in page_of(render(run=sound, kind="html", language=language)).rows if row[-1] == pending]

    assert len(rows) == 4
    assert [row[2] for row in rows] == ["–", "Tess Tester", "–", "–"]
    assert {row[3] for row in rows} == {"–"}


@pytest.mark.parametrize(
    ("executions", "ticked", "answer"),
    [
        (sound_run(), "GO", "YES"),
        (sound_run(execution("load_reality", p95_us="600000")), "CONDITIONAL", "NO"),
        (sound_run(execution("credit_storm", double_charges="1")), "NO-GO", "NO"),
        (sound_run(execution("load_reality", duration_seconds="30")), "INCOMPLETE", "NO"),
        ([execution("credit_storm")], "INCOMPLETE", "NO"),
    ],
)
def test_each_word_ticks_its_box_and_answers_for_the_phases(  # type: ignore[no-untyped-def]
    make_judged: MakeJudged, executions, ticked: str, answer: str
) -> None:
    """Exactly one box of the overall status is ticked; only GO recommends phase 5a, and the others stay locked."""
    run = make_judged(executions)
    content = render(run=run, kind="markdown", language="en").decode()

    boxes = content.split("### Overall status")[1].split("###")[0]
    assert f"- [x] {ticked}" in boxes.replace("\\", "")
    assert boxes.count("[x]") == 1
    rows = {row[0]: row for row in page_of(render(run=run, kind="html", language="en")).rows if len(row) == 4}
    assert [rows[phase][2] for phase in ("5a", "6a", "7a", "8a")] == [answer, "NO", "NO", "NO"]
    assert rows["8a"][3] == "Locked until phase 7a is released."


def test_findings_say_what_it_means_and_where_to_look(make_judged: MakeJudged) -> None:
    """A critical finding and an observation, apart, in German."""
    run = make_judged(sound_run(execution("credit_storm", double_charges="3", p95_us="400000")))

    page = page_of(render(run=run, kind="html", language="de"))

    rows = {row[0]: row[1:] for row in page.rows if len(row) == 5 and row[0] in ("A01", "E06")}
    assert rows["A01"] == [
        "kritisch",
        "Regel A01 verletzt: credit_storm: gemessen 3, erwartet = 0",
        "Ein Client, der einen Befehl nach einer Zeitüberschreitung wiederholt, zahlt doppelt.",
        "Idempotenzschlüssel im Schreibpfad der Engine; das Journal, gefiltert nach Schlüssel.",
    ]
    assert "gemessen 400 ms, erwartet < 300 ms" in rows["E06"][1]
    assert page.text.index("Kritische Befunde") < page.text.index("Beobachtungen")


def test_the_start_command_repeats_the_plan(make_judged: MakeJudged) -> None:
    """Profile, scenarios, levels, seed and switched-off injections are in the command."""
    own = make_judged(
        [execution("credit_storm")],
        profile="own",
        duration_seconds=30,
        concurrency=[50, 100],
        seed=7,
        retry_injection=False,
        karma_available=True,
        anomaly_injection=False,
    )

    assert (
        "python manage.py run_live_tests --scenario credit_storm --duration 30 --concurrency 50,100 --seed 7 "
        "--no-retry-injection --karma --no-anomaly-injection"
    ) in render(run=own, kind="markdown", language="en").decode()


@pytest.mark.parametrize(("profile", "option"), [("full", "--full"), ("quick", "--profile quick")])
def test_a_profile_is_a_flag_of_the_start_command(make_judged: MakeJudged, profile: str, option: str) -> None:
    """A profile needs no list of scenarios."""
    report = json.loads(render(run=make_judged(sound_run(), profile=profile), kind="json"))

    assert report["test_config"]["command"] == (f"python manage.py run_live_tests {option} --concurrency 50 --seed 42")


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_not_judged_has_no_report(make_judged: MakeJudged, kind: str) -> None:
    """Nothing is reported about a run in which everything was cancelled."""
    run = make_judged([execution("credit_storm", state=ExecutionState.CANCELLED)])

    with pytest.raises(ValueError, match="not judged"):
        render(run=run, kind=kind)


@pytest.mark.parametrize(("kind", "language"), [("pdf", "en"), ("html", "fr")])
def test_unknown_formats_and_languages_are_refused(sound: Run, kind: str, language: str) -> None:
    """The door asked for something that does not exist."""
    with pytest.raises(ValueError, match="there are"):
        render(run=sound, kind=kind, language=language)


def test_the_report_of_a_sweep_has_a_line_for_each_level(make_judged: MakeJudged) -> None:
    """Two levels of one scenario are two lines and two blocks of figures."""
    run = make_judged(sound_run(execution("credit_storm"), execution("credit_storm", concurrency=300)))

    report = json.loads(render(run=run, kind="json"))

    levels = [each["concurrency"] for each in report["scenarios"] if each["code"] == "credit_storm"]
    assert levels == [50, 300]
    assert [each["code"] for each in report["scenarios"]][:6] == list(SUITE[1:])


def test_a_policy_of_other_gates_is_reported_as_it_is(make_judged: MakeJudged) -> None:
    """A gate this version does not know has no title and no rules; a limit the policy does not have is none."""
    shipped = shipped_policy()
    rules = tuple(rule for rule in shipped.rules if rule.gate in "ABC")
    other = dataclasses.replace(shipped, code="other", gates=("A", "B", "C", "Z"), rules=rules)
    row = GatePolicy.objects.create(code="other", number=1, digest=other.digest, content=other.canonical().decode())

    page = page_of(render(run=make_judged(sound_run(), policy=row), kind="html", language="en"))

    assert "Gate Z – INCONCLUSIVE" in page.text
    rows = {row[0]: row[1:] for row in page.rows if len(row) == 4}
    assert rows["P95 latency (soak)"] == ["not measured", "no limit", "–"]


def test_a_scenario_that_was_never_attempted_has_no_figures(make_judged: MakeJudged) -> None:
    """Cancelled while it waited: no attempt, no time, no measurement."""
    waiting = MeasuredExecution(scenario="ml_chaos", concurrency=50, state=ExecutionState.CANCELLED)
    run = make_judged(sound_run(waiting))
    Run.objects.filter(pk=run.pk).update(started_at=None)
    run.refresh_from_db()

    page = page_of(render(run=run, kind="html", language="en"))

    row = next(row for row in page.rows if len(row) == 7 and "ml_chaos" in row[1])
    assert row[2:6] == ["cancelled", "INCONCLUSIVE", "not measured", "0"]
    assert ["Started", "not measured"] in page.rows
    assert json.loads(render(run=run, kind="json"))["scenarios"][6]["duration"] is None


def test_states_are_said_in_the_language_of_the_report(sound: Run) -> None:
    """The stored words are for programs, which read them in the JSON."""
    pages = [page_of(render(run=sound, kind="html", language=language)).text for language in ("en", "de")]

    assert f"{sound.pk} (judged)" in pages[0]
    assert f"{sound.pk} (beurteilt)" in pages[1]
    assert pages[1].count("fertig") >= len(SUITE)
    assert not any(word in page for word in ("FINISHED", "JUDGED") for page in pages)

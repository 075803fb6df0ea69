"""Up to where the live journal had come when a run ended: bound by the manifest, and said in every report."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ledger import Ledger, commands
from testruns.reports import render
from testruns.tests.gates.builders import sound_run
from testruns.tests.reports.conftest import MakeJudged


def test_the_head_of_the_live_journal_stands_in_manifest_and_reports(storage: Path, make_judged: MakeJudged) -> None:
    """Whoever has a report can tell later whether the journal of credits still is the one of that day."""
    ledger = Ledger.open(path=storage / "events" / "credits")
    order = commands.CreateAgent(agent="ann", initial_micros=1_000_000)
    ledger.execute(order, key="a", actor="user:1", correlation="c")
    head = ledger.head
    ledger.close()

    run = make_judged(sound_run())

    live = {"seq": head.seq, "hash": head.hash}
    assert json.loads(run.manifest)["environment"]["live_journal"] == live
    assert hashlib.sha256(run.manifest.encode()).hexdigest() == run.manifest_digest
    assert json.loads(render(run=run, kind="json"))["environment"]["live_journal"] == live
    for kind in ("html", "markdown"):
        assert f"{head.seq}: {head.hash}" in render(run=run, kind=kind).decode()


def test_without_a_live_journal_a_report_invents_none(make_judged: MakeJudged) -> None:
    """The row is there, and says that nothing was measured."""
    run = make_judged(sound_run())

    assert "live_journal" not in run.environment
    assert "Live journal, last event" in render(run=run, kind="markdown").decode()

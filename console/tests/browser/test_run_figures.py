"""Figures of a run that are only honest together: a median with its spread, a score as a score, noise as a warning."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run
from testruns.models import Run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

Browse = Callable[[str], Client]


class _Text(HTMLParser):
    """The text of a page, spaces put together."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def text_of(client: Client, run: Run) -> str:
    """What a reader of the run's page reads."""
    reader = _Text()
    reader.feed(client.get(f"/admin/testruns/run/{run.pk}/").content.decode())
    return " ".join("".join(reader.parts).split())


def test_the_disk_floor_is_shown_with_its_spread(browse: Browse, tester: Person) -> None:
    """The slowest and the fastest slice stand beside the median, and the 95th percentile of a single fsync."""
    text = text_of(browse("tester"), make_judged_run(person=tester))

    assert "2,312 fsync/s (233 to 2,990 in 3 slices)" in text
    assert "95 % within 0.87 ms" in text


def test_the_ci_score_is_shown_as_a_score(browse: Browse, tester: Person) -> None:
    """From 0 to 1 among the measurements as in its rule, never in percent."""
    run = make_judged_run(person=tester, faults={"ml_chaos": {"ci_ppm_min": "509769"}})

    text = text_of(browse("tester"), run)

    assert "0.51" in text
    assert "50.9" not in text


def test_a_busy_machine_is_among_the_findings_and_leads_to_no_rule(browse: Browse, tester: Person) -> None:
    """A remark has no rule on the page that a link could go to."""
    run = make_judged_run(person=tester, faults={"load_reality": {"foreign_load_ppm": "448939"}})
    client = browse("tester")

    text = text_of(client, run)

    assert "The policy allows 5 % of steal and 25 % of foreign load; measured were: load_reality (50): steal" in text
    assert "#rule-noise" not in client.get(f"/admin/testruns/run/{run.pk}/").content.decode()

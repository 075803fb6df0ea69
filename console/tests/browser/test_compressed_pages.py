"""Pages come compressed to browsers that read that; files come byte for byte, and so does everything else."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from django.test import Client

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run

pytestmark = pytest.mark.django_db
GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.usefixtures("storage")
def test_the_longest_page_is_small_on_its_way_and_a_report_is_not_touched(
    browse: Callable[[str], Client], tester: Person
) -> None:
    """150 KB for everything a page needs leave no room for a run's page as it is written."""
    run = make_judged_run(person=tester, soak_seconds=1800, profile="full")
    client = browse("auditor")

    page = client.get(f"/admin/testruns/run/{run.pk}/", headers=GZIP)
    file = client.get(f"/admin/testruns/run/{run.pk}/report.html", headers=GZIP)

    assert page.headers["Content-Encoding"] == "gzip"
    assert len(page.content) < 60_000 < len(gzip.decompress(page.content))
    assert "Content-Encoding" not in file.headers


def test_who_cannot_read_compressed_pages_gets_plain_ones() -> None:
    """As the sign-in page shows."""
    response = Client().get("/admin/login/")

    assert "Content-Encoding" not in response.headers
    assert b"<html" in response.content

"""The downloads of a judged run: every format the page names is a file to keep."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

Browse = Callable[[str], Client]


def test_every_report_the_page_names_is_a_file(browse: Browse, tester: Person) -> None:
    """Four formats; JUnit XML has the ending that CI systems look for, and leads back to the page."""
    run = make_judged_run(person=tester)
    client, address = browse("tester"), f"/admin/testruns/run/{run.pk}/"

    links = sorted(set(re.findall(r'href="([^"]+report\.[^"]+)"', client.get(address).content.decode())))
    answers = {link: client.get(link) for link in links}

    assert {link.rpartition(".")[2] for link in links} == {
        "html?language=de",
        "html?language=en",
        "junit?language=en",
        "json?language=en",
        "md?language=de",
        "md?language=en",
    }
    assert all(answer.headers["Content-Disposition"].startswith("attachment") for answer in answers.values())
    junit = answers[f"{address}report.junit?language=en"]
    assert f'filename="gatehouse-run-{run.pk}-en.junit.xml"' in junit.headers["Content-Disposition"]
    assert f"http://testserver{address}" in junit.content.decode()

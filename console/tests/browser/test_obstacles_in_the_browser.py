"""What people meet when something is in the way, caused for real: said in their language, sound, and with a way on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from console.kernel.models import Person
from console.maintenance import close_console, open_console
from console.tests.browser.looks import defects_of, in_every_language
from console.tests.browser.rows import make_running_run
from testruns.actions import active_policy
from testruns.models import Attempt, Measurement, PolicyDraft, Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OpenPage = Callable[..., Any]
FORM = "/admin/testruns/run/request/"
TOO_LONG = "form => { form.seed.type = 'text'; form.seed.value = 'x'.repeat(3e6); form.submit(); }"
GUESS = "form => { form.username.value = 'tester'; form.password.value = 'guess'; form.submit(); }"
AS_IT_STANDS = "form => form.submit()"
OTHER_LANGUAGE = {"en": "de", "de": "en"}


class Meeting:
    """A window in which one obstacle after the other is met, collecting what is wrong with each page."""

    def __init__(self, page: Any, *, language: str) -> None:
        self.page, self.language = page, language
        self.root = page.url.split("/admin/")[0]
        self.defects: list[str] = []

    def open(self, address: str, status: int) -> None:
        """Go to an address that answers with this status, and look at what is shown."""
        self.page.problems.clear()
        self._look(self.page.goto(self.root + address), status)

    def send(self, address: str, how: str, status: int) -> None:
        """Send the form of a page by a script, past what holds back whoever presses its button, and look."""
        self.page.goto(self.root + address)
        self.page.problems.clear()
        with self.page.expect_navigation() as answer:
            self.page.locator("main form.fields, main form.columns").evaluate(how)
        self._look(answer.value, status)

    def go_on(self) -> None:
        """Take the way on that the page offers first; it leads somewhere."""
        with self.page.expect_navigation() as answer:
            self.page.click("main a.button.primary")
        assert answer.value.status == 200

    def _look(self, answer: Any, status: int) -> None:
        assert answer.status == status
        assert len(self.page.problems) == 1, self.page.problems
        assert f"the server responded with a status of {status}" in self.page.problems.pop()
        assert self.page.get_attribute("html", "lang") == self.language
        assert self.page.is_visible("main a[href^='/admin/']")
        name = f"obstacle-{status}-{self.page.url.split('/admin/')[1].strip('/').replace('/', '-')}"
        self.defects += defects_of(self.page, language=self.language, name=name)


@pytest.fixture
def run(tester: Person) -> Run:
    """A run with a measurement that is no number: its page cannot be made."""
    run = make_running_run(person=tester)
    attempt = Attempt.objects.filter(execution__run=run).latest("pk")
    Measurement.objects.create(attempt=attempt, name="steal_ppm", value="much", unit="ppm")
    return run


@pytest.fixture
def draft(tester: Person) -> PolicyDraft:
    """A draft of rules that are no text anybody can read: its page cannot be made, and nobody foresaw that."""
    return PolicyDraft.objects.create(
        code="own", number=1, base=active_policy(), content="{", digest="0" * 64, opened_by=tester
    )


@in_every_language
def test_what_is_not_there_not_allowed_broken_or_too_large_is_said_to_a_person_in_their_language(
    open_page: OpenPage, tester: Person, run: Run, draft: PolicyDraft, language: str
) -> None:
    """In the language the person has chosen, whatever their browser speaks."""
    Person.objects.filter(pk=tester.pk).update(language=language)
    met = Meeting(open_page(tester, FORM, language=OTHER_LANGUAGE[language]), language=language)

    met.open("/admin/no-such-page/", 404)
    met.open("/admin/testruns/gatepolicy/add/", 403)
    met.send(FORM, TOO_LONG, 413)
    met.open("/admin/releases/phase/5a/verify-journal/", 405)
    met.open(f"/admin/testruns/run/{run.pk}/", 500)
    met.go_on()
    met.open(f"/admin/testruns/gatepolicy/draft/{draft.pk}/", 500)
    met.go_on()
    met.send("/admin/tokens/create-for-service/", AS_IT_STANDS, 403)

    assert not met.defects, "\n".join(met.defects)
    assert met.page.is_visible("#why-create")


@in_every_language
def test_who_guesses_or_comes_while_it_is_closed_is_told_so_in_the_language_of_the_browser(
    open_page: OpenPage, tester: Person, storage: Path, language: str
) -> None:
    """Nobody is signed in there, or nothing may be asked who is; the way on leads on once there is one."""
    met = Meeting(open_page(None, "/admin/login/", language=language), language=language)

    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        with met.page.expect_navigation():
            met.page.locator("#login-form").evaluate(GUESS)
    met.send("/admin/login/", GUESS, 429)
    met.go_on()
    now = timezone.now()
    close_console(reason="The disk is being replaced.", now=now, until=now + timedelta(minutes=20))
    met.open("/admin/", 503)
    open_console()
    met.go_on()

    assert not met.defects, "\n".join(met.defects)

"""A form that is sent again, at the same moment or later, is carried out once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.models import AuditEntry, IdempotencyKey, Person
from console.kernel.models.idempotency_key import KEPT
from console.kernel.posted_once import posted_once
from console.tests.browser.conftest import browse, make_person, storage, tester
from console.tests.people import actor_with
from console.tests.racing import at_once
from ledger import Rejected
from ledger.actions import decide_ledger_approval
from testruns.actions import requesting
from testruns.models import Run

__all__ = ["browse", "make_person", "storage", "tester"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

FORM = "/admin/testruns/run/request/"
FULL = f"{FORM}full/"
Browse = Callable[[str], Client]


def entered(key: str, **changes: Any) -> dict[str, Any]:
    """A request for one scenario from the form with this key."""
    return {"_key": key, "profile": "quick", "scenarios": ["approval_race"], "concurrency": "50", "seed": "7"} | changes


def keys_of(client: Client, address: str) -> list[str]:
    """The keys of all forms of a page."""
    return re.findall(r'name="_key" value="([\w-]{16,64})"', client.get(address).content.decode())


def test_a_form_that_is_sent_again_leads_to_the_same_run(browse: Browse) -> None:
    """A new token of the browser makes it no other form."""
    client = browse("tester")
    _, key = keys_of(client, FORM)

    answers = [client.post(FORM, entered(key, csrfmiddlewaretoken=str(number))) for number in range(3)]

    run = Run.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [f"/admin/testruns/run/{run.pk}/"] * 3


def test_every_page_has_keys_of_its_own(browse: Browse) -> None:
    """Somebody who opens the form again asks for another run, and both forms of a page are two."""
    client = browse("tester")
    keys = [*keys_of(client, FORM), *keys_of(client, FORM)]

    for key in keys:
        client.post(FORM, entered(key))

    assert len(set(keys)) == 4
    assert Run.objects.count() == 4


def test_other_values_from_the_same_form_are_another_request(browse: Browse) -> None:
    """A browser that goes back shows the form as it was, with its key."""
    client = browse("tester")
    _, key = keys_of(client, FORM)

    client.post(FORM, entered(key, seed="7"))
    client.post(FORM, entered(key, seed="8"))

    assert sorted(Run.objects.values_list("seed", flat=True)) == [7, 8]


def test_run_again_and_the_full_run_are_requested_once_as_well(browse: Browse) -> None:
    """Each from its own button."""
    client = browse("tester")
    full, _ = keys_of(client, FORM)
    for _ in range(2):
        client.post(FULL, {"_key": full})
    page = f"/admin/testruns/run/{Run.objects.get().pk}/"
    (again,) = keys_of(client, page)

    for _ in range(2):
        client.post(f"{page}again/", {"_key": again})

    assert Run.objects.count() == 2


def test_the_key_of_somebody_else_means_nothing(browse: Browse) -> None:
    """Nobody is led to a run they did not ask for."""
    for username in ("tester", "engineer"):
        browse(username).post(FULL, {"_key": "k" * 22})

    assert Run.objects.count() == 2


def test_a_refusal_stays_on_record_and_is_no_answer(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once there is space the same form is carried out."""
    client = browse("tester")
    with monkeypatch.context() as full_disk:
        full_disk.setattr(requesting, "read_disk", lambda: requesting.Disk(total=2**30, free=2**20))
        client.post(FULL, {"_key": "k" * 22})
    refused = AuditEntry.objects.filter(act="run.request", outcome="refused").count()
    left = (Run.objects.count(), IdempotencyKey.objects.count())

    client.post(FULL, {"_key": "k" * 22})

    assert (refused, left, Run.objects.count()) == (1, (0, 0), 1)


def posted(actor: Actor) -> HttpRequest:
    """A form that this person has sent."""
    request = RequestFactory().post(FULL, {"_key": "k" * 22})
    request.user = actor.person
    return request


def test_a_refusal_by_the_ledger_stays_on_record_as_well() -> None:
    """It is an error of its own, which a door answers like every other refusal."""
    reviewer = actor_with(Role.REVIEWER)

    def decide() -> int:
        decide_ledger_approval(actor=reviewer, request="nobody-asked", is_approval=True, justification="read it all")
        return 0

    with pytest.raises(Rejected, match="nobody-asked") as refusal:
        posted_once(posted(reviewer), decide)

    assert AuditEntry.objects.get(outcome="refused").code == refusal.value.code
    assert not IdempotencyKey.objects.exists()


class Watched(SimpleUploadedFile):
    """A file that was sent; notes whether it is read while a transaction is open."""

    def __init__(self) -> None:
        super().__init__("report.xml", b"<testsuite/>")
        self.read_inside: list[bool] = []

    def chunks(self, chunk_size: int | None = None) -> Any:
        """Its content, after the note."""
        self.read_inside.append(connection.in_atomic_block)
        return super().chunks(chunk_size)


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_while_a_file_that_was_sent_is_read(tester: Person) -> None:
    """One writes at a time: the transaction begins when it is known what was sent."""
    file, request = Watched(), posted(actor_with(Role.TESTER))
    request.FILES["junit"] = file

    assert posted_once(request, lambda: 7) == posted_once(request, lambda: 8) == 7
    assert file.read_inside == [False, False]


def test_keys_of_days_before_are_forgotten(browse: Browse) -> None:
    """By the next form that is sent, where no client of the API ever comes."""
    client = browse("tester")
    client.post(FULL, {"_key": "k" * 22})
    IdempotencyKey.objects.update(claimed_at=timezone.now() - KEPT - timedelta(minutes=1))

    client.post(FULL, {"_key": "l" * 22})

    assert [key[:22] for key in IdempotencyKey.objects.values_list("key", flat=True)] == ["l" * 22]


@pytest.mark.django_db(transaction=True)
def test_a_double_click_makes_one_run(tester: Person) -> None:
    """Five at the same moment, on connections of their own."""

    def click() -> str:
        client = Client()
        client.force_login(tester, backend="django.contrib.auth.backends.ModelBackend")
        return client.post(FULL, {"_key": "k" * 22}).headers["Location"]

    led_to = at_once([click] * 5)

    assert led_to == [f"/admin/testruns/run/{Run.objects.get().pk}/"] * 5

"""The pages of one's own notifications: the count on every page, reading, choosing, the address."""

from __future__ import annotations

import pytest

from console.kernel import row_digests
from console.kernel.authority import Role
from console.kernel.models import AuditEntry, Person
from console.models import Notification, NotificationChoice
from console.tests.notifications.conftest import notification_for, with_address
from console.tests.people import PASSWORD, person_with
from console.tests.releases.people import signer
from console.tests.releases_pages.conftest import Visit

pytestmark = pytest.mark.django_db
LIST, CHOICE, EMAIL = "/admin/own/notifications/", "/admin/own/notifications/choice/", "/admin/own/email/"


def test_every_page_counts_what_is_new_and_the_list_says_it(visit: Visit) -> None:
    """Nothing of other people's; what ended is not new."""
    person, other = person_with(Role.TESTER), person_with(Role.TESTER)
    row = notification_for(person)
    notification_for(person, ended_at=row.created_at)
    notification_for(other, what={"template": "phase %(phase)s", "params": {"phase": "of somebody else"}})

    home = visit(person).get("/admin/").content.decode()
    page = visit(person).get(LIST).content.decode()

    assert '<span class="visually-hidden">Notifications, new: </span>1</span>' in home
    assert "Phase 5a" in page
    assert "It is over." in page
    assert "of somebody else" not in page


def test_one_is_marked_as_read_by_its_owner_alone_and_never_by_a_get(visit: Visit) -> None:
    """A link in a mail program that fetches pages in advance reads nothing."""
    person, other = person_with(Role.TESTER), person_with(Role.TESTER)
    row = notification_for(person)
    address = f"{LIST}{row.pk}/read/"

    assert visit(person).get(address).status_code == 405
    visit(other).post(address)
    row.refresh_from_db()
    by_other = row.read_at
    visit(person).post(address)
    row.refresh_from_db()

    assert by_other is None
    assert row.read_at is not None


def test_all_that_was_shown_is_marked_as_read_and_nothing_newer(visit: Visit) -> None:
    """What came in since the page was opened stays new."""
    person = person_with(Role.TESTER)
    shown, newer = notification_for(person), notification_for(person)

    visit(person).post(f"{LIST}read/", {"up_to": str(shown.pk)})
    visit(person).post(f"{LIST}read/", {"up_to": "all"})

    assert list(Notification.objects.filter(read_at__isnull=True)) == [newer]


def test_a_choice_is_kept_kind_by_kind(visit: Visit) -> None:
    """An empty box is a no."""
    person = person_with(Role.TESTER)
    visit(person).post(CHOICE, {"mails_waiting": "on", "tells_runs_of_tokens": "on"})

    choice = NotificationChoice.objects.get(person=person)
    assert [choice.is_mailed(kind) for kind in ("waiting", "decided", "lapsing", "run")] == [True, False, False, False]
    assert choice.tells_runs_of_tokens
    assert NotificationChoice.objects.count() == 1


def test_an_address_is_set_with_the_password_and_stands_in_the_audit_chain(visit: Visit) -> None:
    """The row stays bound to the chain; the chain does not hold the address itself."""
    person = signer(Role.TESTER).person
    client = visit(person)

    wrong = client.post(EMAIL, {"email": "me@a.example", "password": "not mine at all"})
    no_address = client.post(EMAIL, {"email": "me\nBcc: b@a.example", "password": PASSWORD})
    right = client.post(EMAIL, {"email": "me@a.example", "password": PASSWORD})

    assert (wrong.status_code, no_address.status_code, right.status_code) == (422, 422, 302)
    assert Person.objects.get(pk=person.pk).email == "me@a.example"
    entry = AuditEntry.objects.filter(act="people.set_own_email", outcome="done").get()
    assert f"kernel_person:{person.pk}" in entry.after
    assert "me@a.example" not in entry.after
    assert f"kernel_person:{person.pk}" not in {one.row for one in row_digests.wrong_rows() if one.what == "altered"}


def test_home_tells_administrators_alone_that_e_mails_do_not_leave(visit: Visit) -> None:
    """With the reason; health says it without."""
    notification_for(with_address(person_with(Role.TESTER)), mail_trouble="ConnectionRefusedError: nobody listens")

    page = visit(person_with(Role.ADMINISTRATOR)).get("/admin/").content.decode()
    found = visit(person_with(Role.TESTER)).get("/api/health").json()["checks"]["mail"]

    assert "nobody listens" in page
    assert "nobody listens" not in visit(person_with(Role.TESTER)).get("/admin/").content.decode()
    assert found == {"status": "degraded", "waiting": 1, "failed": 1}

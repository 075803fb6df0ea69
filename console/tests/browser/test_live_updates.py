"""Updates that need no look-up are answered early, and only to those whom the console has just let in."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from console.kernel import live
from console.kernel.authority import Role
from console.kernel.models import Person
from console.maintenance import close_console
from console.tests.browser.rows import make_running_run
from console.tests.people import give
from console.tests.waiting import PATIENT_SECONDS, until
from testruns.actions.leases import touch_run
from testruns.models import Run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]

HOME = "/admin/home/runs/"
LIST = "/admin/testruns/run/"
UPDATE = {"HX-Request": "true"}
Browse = Callable[[str], Client]


@pytest.fixture
def run(tester: Person) -> Run:
    """A run that is being executed."""
    return make_running_run(person=tester)


def ask(client: Client, address: str, token: str) -> tuple[int, int]:
    """Status of an update, and how many queries it took."""
    with CaptureQueriesContext(connection) as captured:
        status = client.get(address, {"token": token}, headers=UPDATE).status_code
    return status, len(captured)


def addresses_of(run: Run) -> dict[str, str]:
    """Every address that is asked for updates, with the token of a current copy."""
    return {f"{LIST}{run.pk}/live/": f"{run.version}", LIST: f"{run.pk}.{run.version}", HOME: f"{run.pk}.{run.version}"}


def test_a_reader_who_was_let_in_is_answered_without_messages_page_or_runs(browse: Browse, run: Run) -> None:
    """The first question takes the whole way; then one query asks for their authority, and one for the version, which
    is none while somebody else has just asked."""
    client = browse("auditor")
    for address, token in addresses_of(run).items():
        first, second, third = [ask(client, address, token) for _ in range(3)]

        assert first[0] == 204
        assert first[1] > 2
        assert (second, third) == ((204, 2), (204, 1))


def test_the_version_is_read_again_before_the_next_poll_of_a_page(
    browse: Browse, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages ask every two seconds: what has changed since is in the next answer."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    assert live.SHARED_SECONDS < 2
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)
    ask(client, address, f"{run.version}")

    assert ask(client, address, f"{run.version}") == (204, 2)


def test_a_reader_with_an_old_copy_gets_the_new_one(browse: Browse, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Early answers never hide a change."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)
    ask(client, address, f"{run.version}")

    touch_run(run_id=run.pk)

    assert ask(client, address, f"{run.version}")[0] == 200


@pytest.mark.parametrize("kind", range(3), ids=["run", "list", "home"])
def test_what_one_reader_was_given_is_given_early_to_the_next_of_the_same_roles(
    browse: Browse, run: Run, monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    """Only once both were let in; and it is the same page, byte for byte."""
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)
    one, other = browse("auditor"), browse("auditor")
    address, token = [*addresses_of(run).items()][kind]
    for client in (one, other):
        ask(client, address, "0")
    touch_run(run_id=run.pk)

    first = one.get(address, {"token": token}, headers=UPDATE)
    with CaptureQueriesContext(connection) as captured:
        second = other.get(address, {"token": token}, headers=UPDATE)

    run.refresh_from_db()
    assert f"token={addresses_of(run)[address]}" in first.content.decode()
    assert second.content == first.content
    assert len(captured) == 2


def test_a_page_that_changes_all_the_time_is_made_once_in_a_while(browse: Browse, run: Run) -> None:
    """Whoever has an older copy, however old and from whichever process, is given the one that was made; whoever has
    that one waits, and then gets the next.
    """
    one, other, address = browse("auditor"), browse("auditor"), f"{LIST}{run.pk}/live/"
    for client in (one, other):
        ask(client, address, "0")
    made = f"{run.version}"
    touch_run(run_id=run.pk)

    given = [ask(other, address, token) for token in ("0", f"{run.version - 1}", "nonsense", made)]

    assert [status for status, _ in given] == [200, 200, 200, 204]
    assert max(queries for _, queries in given) == 2
    until(lambda: ask(other, address, made)[0] == 200, seconds=PATIENT_SECONDS, what="the next copy")


def test_a_reader_who_has_just_acted_is_never_given_an_older_page(browse: Browse, run: Run) -> None:
    """Their page is newer than what was read for the others a moment ago."""
    one, other, address = browse("auditor"), browse("auditor"), f"{LIST}{run.pk}/live/"
    for client in (one, other):
        ask(client, address, "0")
    touch_run(run_id=run.pk)

    assert ask(one, address, f"{run.version + 1}")[0] == 204


def test_a_browser_that_reads_it_is_given_the_compressed_copy_made_once(
    browse: Browse, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred readers of a changing run cost one compression."""
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    plain = [client.get(address, {"token": "0"}, headers=UPDATE) for _ in range(2)][1]

    answer = client.get(address, {"token": "0"}, headers={**UPDATE, "Accept-Encoding": "gzip, br"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == plain.content
    assert len(answer.content) < len(plain.content) / 3


@pytest.mark.parametrize(("role", "language"), [("tester", "en"), ("auditor", "de")])
def test_nobody_is_given_the_page_of_other_roles_or_of_another_language(
    browse: Browse, run: Run, monkeypatch: pytest.MonkeyPatch, role: str, language: str
) -> None:
    """What a page offers depends on both."""
    monkeypatch.setattr(live, "SHARED_SECONDS", 0.0)
    one, other, address = browse("auditor"), browse(role), f"{LIST}{run.pk}/live/"
    other.cookies["django_language"] = language
    for client in (one, other):
        ask(client, address, "0")
    touch_run(run_id=run.pk)

    first = one.get(address, {"token": f"{run.version}"}, headers=UPDATE)
    second = other.get(address, {"token": f"{run.version}"}, headers=UPDATE)

    assert first.content != second.content


def test_early_answers_are_never_kept_by_a_browser(browse: Browse, run: Run) -> None:
    """As those of every other page."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"

    answers = [client.get(address, {"token": f"{run.version}"}, headers=UPDATE) for _ in range(2)]

    assert all("no-store" in answer.headers["Cache-Control"] for answer in answers)


@pytest.mark.parametrize("cookie", [{}, {settings.SESSION_COOKIE_NAME: "guessed"}])
def test_a_stranger_learns_nothing_however_right_the_token_is(browse: Browse, run: Run, cookie: dict[str, str]) -> None:
    """While others are answered early at the same address."""
    address, token = f"{LIST}{run.pk}/live/", f"{run.version}"
    for _ in range(2):
        ask(browse("auditor"), address, token)
    stranger = Client()
    for name, value in cookie.items():
        stranger.cookies[name] = value

    assert [ask(stranger, address, token)[0] for _ in range(2)] == [302, 302]


def test_being_let_in_at_one_address_is_no_key_to_another(browse: Browse, run: Run) -> None:
    """Each address is checked by its own rules."""
    client, addresses = browse("auditor"), addresses_of(run)
    ask(client, HOME, addresses[HOME])

    assert ask(client, LIST, addresses[LIST])[1] > 1


def test_who_signs_out_is_not_answered_any_more(browse: Browse, run: Run) -> None:
    """Not even a browser that kept its cookie."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    ask(client, address, f"{run.version}")
    kept = client.cookies[settings.SESSION_COOKIE_NAME].value

    client.post("/admin/logout/")
    client.cookies[settings.SESSION_COOKIE_NAME] = kept

    assert ask(client, address, f"{run.version}")[0] == 302


def lose_roles(person: Person) -> None:
    person.grants.update(ended_at=timezone.now(), ended_by=person)


def be_deactivated(person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(is_active=False)


def be_given_a_password(person: Person) -> None:
    Person.objects.filter(pk=person.pk).update(password=make_password("another-long-passphrase"))


def let_sessions_expire(person: Person) -> None:
    Session.objects.update(expire_date=timezone.now())


def lose_sessions(person: Person) -> None:
    Session.objects.all().delete()


@pytest.mark.parametrize(
    "happens", [lose_roles, be_deactivated, be_given_a_password, let_sessions_expire, lose_sessions]
)
def test_authority_is_asked_for_every_answer(
    browse: Browse, tester: Person, run: Run, happens: Callable[[Person], None]
) -> None:
    """Whatever took it away, and in whichever process: only the database is told here."""
    client, address = browse("tester"), f"{LIST}{run.pk}/live/"
    before = [ask(client, address, token)[0] for token in (f"{run.version}", "0")]

    happens(tester)

    assert before == [204, 200]
    assert [ask(client, address, token)[0] for token in (f"{run.version}", "0")] == [302, 302]


def test_a_role_more_or_less_shows_in_the_next_answer(browse: Browse, run: Run) -> None:
    """Nobody goes on being given the copies of the roles that they held."""
    client, person, address = browse("auditor"), Person.objects.get(username="auditor"), f"{LIST}{run.pk}/live/"
    before = [client.get(address, {"token": "0"}, headers=UPDATE).content.decode() for _ in range(2)]

    give(person, Role.TESTER)

    after = [client.get(address, {"token": "0"}, headers=UPDATE).content.decode() for _ in range(2)]
    assert ["/cancel/" in page for page in (*before, *after)] == [False, False, True, True]


@pytest.mark.parametrize(
    "chosen", [{"language": "de"}, {"time_zone": "Pacific/Auckland"}], ids=["language", "time zone"]
)
def test_another_language_or_time_zone_shows_in_the_next_answer(
    browse: Browse, run: Run, chosen: dict[str, str]
) -> None:
    """A page that has just been loaded in it is not put back by its own update."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    before = [client.get(address, {"token": "0"}, headers=UPDATE).content for _ in range(2)]

    Person.objects.filter(username="auditor").update(**chosen)
    middle = ask(client, address, f"{run.version}")[0]  # whose own copy is current: no other one is made

    after = [client.get(address, {"token": "0"}, headers=UPDATE).content for _ in range(2)]
    assert middle == 204
    assert before[0] == before[1] != after[0] == after[1]


def test_another_language_of_the_browser_shows_in_the_next_answer(browse: Browse, run: Run) -> None:
    """Nothing in the database says so."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    asked = [{"Accept-Language": language} for language in ("en", "en", "de", "de")]

    pages = [client.get(address, {"token": "0"}, headers=UPDATE | header).content.decode() for header in asked]

    assert ["Abbrechen" in page or "Szenarien" in page for page in pages] == [False, False, True, True]


def test_a_closed_console_answers_nobody_early(browse: Browse, run: Run) -> None:
    """However recently they were let in."""
    client, address = browse("auditor"), f"{LIST}{run.pk}/live/"
    ask(client, address, f"{run.version}")

    close_console(reason="moving", now=timezone.now(), until=None)

    assert ask(client, address, f"{run.version}")[0] == 503


def test_a_run_that_does_not_exist_is_a_404_as_everywhere(browse: Browse) -> None:
    """And remembered by nobody."""
    client = browse("auditor")

    assert [ask(client, f"{LIST}99/live/", "1")[0] for _ in range(2)] == [404, 404]


def test_a_page_that_is_no_update_is_never_answered_early(browse: Browse, run: Run) -> None:
    """The list of runs has one address for both."""
    client, token = browse("auditor"), addresses_of(run)[LIST]
    for _ in range(2):
        ask(client, LIST, token)

    assert client.get(LIST, {"token": token}).status_code == 200

"""When something is in the way: pages in the console's design and the reader's language that say what to do now."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from console.admin.audit_sentences import sentence_of
from console.api import about
from console.kernel.models import AuditEntry, Person
from console.maintenance import close_console, maintenance, open_console
from console.tests.browser.conftest import browse, make_person

__all__ = ["browse", "make_person"]

REASON = "The disk is being replaced."
Browse = Callable[[str], Client]


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Path:
    """A storage of its own, so that no other test finds its console closed."""
    settings.STORAGE = tmp_path
    return tmp_path


def words_of(content: bytes) -> str:
    """What a page says."""
    return " ".join(re.sub(r"<[^>]+>", " ", content.decode()).split())


def requires_design(content: bytes) -> None:
    """Our own page: it needs no sign-in and no database, shows times in the browser's zone, and leads somewhere."""
    page = content.decode()
    assert '<main class="alone">' in page
    assert re.search(r"<h1>[^<]{8,}</h1>", page)
    assert re.search(r'<a class="button primary" href="[^"]+">', page)
    assert "style=" not in page
    assert re.findall(r"<script src=\"[^\"]*/(\w+)[.\w]*\.js\"", page) == ["theme", "console"]
    assert page.count("<script") == 2


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_goes_wrong_outside_of_a_view_is_said_in_our_design(status: int, language: str) -> None:
    """Without looking into the database, which may be what went wrong."""
    request = RequestFactory().get("/admin/nowhere/")
    with translation.override(language):
        response = {
            400: lambda: about.unreadable(request, ValueError()),
            404: lambda: about.nothing_here(request),
            500: lambda: about.failed(request),
        }[status]()

    assert response.status_code == status
    requires_design(response.content)
    assert f'lang="{language}"' in response.content.decode()


@pytest.mark.django_db
def test_another_host_gets_the_page_for_what_cannot_be_read() -> None:
    """It is answered before anything is looked up."""
    response = Client(raise_request_exception=False).get("/admin/", headers={"host": "elsewhere.example"})

    assert response.status_code == 400
    requires_design(response.content)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "A form of this console takes at most 2.0\xa0MB of text and 200 fields."),
        ("de", "Ein Formular dieser Konsole nimmt höchstens 2,0\xa0MB Text und 200 Felder an."),
    ],
)
@pytest.mark.parametrize("sent", [{"text": "x" * 2**21}, dict.fromkeys(map(str, range(201)), "x")])
def test_who_sends_too_much_is_told_how_much_a_form_takes(
    browse: Browse, sent: dict[str, str], language: str, said: str
) -> None:
    """Too long or of too many fields; it is refused before anything is done with it."""
    client = browse("tester")
    client.raise_request_exception = False
    content = urlencode(sent)

    response = client.post(
        "/admin/testruns/run/request/",
        content,
        content_type="application/x-www-form-urlencoded",
        headers={"accept-language": language},
    )

    assert response.status_code == 413
    requires_design(response.content)
    assert said in response.content.decode()


@pytest.mark.django_db
def test_a_fault_names_the_moment_for_whoever_reads_the_log(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of the fault itself."""

    def broken(*_: object, **__: object) -> None:
        raise DatabaseError("secret")

    client = browse("tester")
    client.raise_request_exception = False
    monkeypatch.setattr(connection, "cursor", broken)
    response = client.get("/admin/")

    assert response.status_code == 500
    requires_design(response.content)
    assert re.search(r"It happened: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+", words_of(response.content))
    assert b"secret" not in response.content


@pytest.mark.django_db
@pytest.mark.parametrize("is_ours", [True, False])
def test_a_form_without_its_secret_leads_back_to_where_it_is_got_anew(is_ours: bool, make_person: Any) -> None:
    """But to no other host."""
    client = Client(enforce_csrf_checks=True)
    came_from = f"http://{'testserver' if is_ours else 'elsewhere.example'}/admin/testruns/run/request/"

    response = client.post("/admin/testruns/run/request/", headers={"referer": came_from})

    assert response.status_code == 403
    requires_design(response.content)
    assert "This form is not valid any more" in words_of(response.content)
    assert (f'href="{came_from}"' in response.content.decode()) is is_ours


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "BREW"])
def test_an_address_that_only_shows_says_that_nothing_was_carried_out(browse: Browse, method: str) -> None:
    """Whoever tries to delete or edit by hand must not take the page for a success."""
    response = browse("tester").generic(method, "/admin/testruns/run/")

    allowed = "GET, HEAD" if method == "POST" else "GET, HEAD, POST, OPTIONS"
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    requires_design(response.content)
    assert "nothing was carried out" in words_of(response.content)


@pytest.mark.django_db
def test_an_address_that_belongs_to_a_button_says_so_when_it_is_opened(browse: Browse) -> None:
    """Where a sign-in leads somebody back to what they pressed; the header stays."""
    response = browse("tester").get("/admin/releases/phase/5a/verify-journal/")

    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    requires_design(response.content)


@pytest.mark.django_db
def test_who_guesses_passwords_is_told_how_long_to_wait(make_person: Callable[[str], Person]) -> None:
    """In the words of the person's language."""
    make_person("tester")
    client = Client()
    for _ in range(5):
        refused = client.post("/admin/login/", {"username": "tester", "password": "guess"}, REMOTE_ADDR="192.0.2.7")

    assert refused.status_code == 429
    requires_design(refused.content)
    assert "Wait 15 min, then try again." in words_of(refused.content)


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_closed_console_says_why_and_until_when(browse: Browse, storage: Path, language: str) -> None:
    """Nothing behind it answers, whoever asks; caches keep no copy of it."""
    client = browse("supervisor")
    until = timezone.now() + timedelta(minutes=20)
    close_console(reason=REASON, now=timezone.now(), until=until)

    response = client.get("/admin/", headers={"accept-language": language})

    assert response.status_code == 503
    requires_design(response.content)
    assert REASON in words_of(response.content)
    assert f'datetime="{until.isoformat()}"' in response.content.decode()
    assert f'lang="{language}"' in response.content.decode()
    assert 1100 < int(response.headers["Retry-After"]) <= 1200
    assert "no-store" in response.headers["Cache-Control"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.django_db
def test_what_is_sent_to_a_closed_console_is_not_carried_out(browse: Browse, storage: Path) -> None:
    """And that is said; the API answers with a problem, what machines watch goes on answering."""
    client = browse("tester")
    close_console(reason=REASON, now=timezone.now(), until=None)
    before = AuditEntry.objects.count()

    page = client.post("/admin/testruns/run/full/")
    problem = client.get("/api/v1/")
    watched = client.get("/metrics").status_code
    count = AuditEntry.objects.count()
    open_console()
    after = client.get("/admin/")

    assert "What you have just sent was not carried out." in words_of(page.content)
    assert (page.status_code, problem.status_code, count) == (503, 503, before)
    assert json.loads(problem.content)["type"].endswith("/problems/maintenance/")
    assert problem.headers["Retry-After"] == "300"
    assert (watched == 503, after.status_code) == (False, 200)


@pytest.mark.django_db
def test_a_damaged_switch_is_on(browse: Browse, storage: Path) -> None:
    """Who works on the installation is not surprised by people."""
    (storage / "maintenance.json").write_bytes(b'{"reason":')

    assert browse("tester").get("/admin/").status_code == 503


@pytest.mark.django_db
def test_the_command_closes_and_opens_and_both_are_in_the_trail(storage: Path) -> None:
    """Said in sentences, with the reason."""
    out = StringIO()
    call_command("maintenance", "on", reason=REASON, minutes=5, stdout=out)
    closed = maintenance()
    call_command("maintenance", stdout=out)
    call_command("maintenance", "off", stdout=out)
    call_command("maintenance", "off", stdout=out)

    assert closed is not None
    assert (closed.reason, closed.until is not None) == (REASON, True)
    assert closed.since is not None
    assert closed.since <= datetime.now(UTC)
    assert maintenance() is None
    assert out.getvalue().splitlines()[-1] == "The console is open."
    entries = AuditEntry.objects.filter(act__startswith="console.").order_by("index")
    sentences = [sentence_of(entry) for entry in entries]
    assert len(sentences) == 2
    assert f"closed the console for maintenance: {REASON}" in sentences[0]
    assert sentences[1].endswith("opened the console again.")


@pytest.mark.django_db
@pytest.mark.parametrize("options", [{"reason": "short"}, {"reason": REASON, "minutes": 0}])
def test_the_command_wants_a_reason_and_a_time_to_come(storage: Path, options: dict[str, Any]) -> None:
    """People read it."""
    with pytest.raises(CommandError):
        call_command("maintenance", "on", **options)

    assert maintenance() is None


@pytest.mark.django_db
def test_the_command_works_without_a_database(storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that nothing is in the trail."""

    def broken(*_: object, **__: object) -> None:
        raise DatabaseError("away")

    complaints = StringIO()
    monkeypatch.setattr(connection, "cursor", broken)
    call_command("maintenance", "on", reason=REASON, stdout=StringIO(), stderr=complaints)

    assert maintenance() is not None
    assert "It is not in the audit trail: away" in complaints.getvalue()

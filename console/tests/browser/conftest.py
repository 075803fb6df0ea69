"""What tests of the screens stand on: people, runs as rows, a ledger of their own, and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from console.kernel.authority import Role
from console.kernel.models import Person
from console.tests.people import give
from ledger import Ledger, commands
from ledger.actions import close_live_ledger, live_ledger

PASSWORD = "a-long-enough-passphrase"
PATIENCE_MS = 60_000  # how fast this machine is just now is not what these tests ask
MakePerson = Callable[[str], Person]


@pytest.fixture
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A storage of its own for evidence and the live journal; rows stay in the test database."""
    close_live_ledger()
    settings.STORAGE = tmp_path
    yield tmp_path
    close_live_ledger()


@pytest.fixture
def make_person(db: None) -> MakePerson:
    """A person who holds one role; "superuser" holds none and is one."""

    def make(role: str) -> Person:
        person, is_new = Person.objects.get_or_create(
            username=role,
            defaults={"printed_name": role.title(), "is_staff": True, "is_superuser": role == "superuser"},
        )
        if is_new:
            person.set_password(PASSWORD)
            person.save()
            give(person, *[known for known in Role if known.value == role])
        return person

    return make


@pytest.fixture
def tester(make_person: MakePerson) -> Person:
    """Somebody who may request, cancel and attempt again."""
    return make_person("tester")


@pytest.fixture
def browse(make_person: MakePerson) -> Callable[[str], Client]:
    """A signed-in test client for a role."""

    def sign_in(role: str) -> Client:
        client = Client()
        client.force_login(make_person(role), backend="django.contrib.auth.backends.ModelBackend")
        return client

    return sign_in


@pytest.fixture
def ledger_with_events(storage: Path) -> Ledger:
    """The live journal with two agents, sixty movements and a collaboration."""
    ledger = live_ledger()
    for name in ("a-1", "a-2"):
        create = commands.CreateAgent(agent=name, initial_micros=1_000_000_000)
        ledger.execute(create, key=f"create-{name}", actor="user:1", correlation="set-up")
    for number in range(60):
        consume = commands.Consume(agent="a-1", amount_micros=1_500_000, reason="work")
        ledger.execute(consume, key=f"consume-{number}", actor="user:1", correlation="mission-7")
    transfer = commands.Transfer(payer="a-1", payee="a-2", amount_micros=5_000_000, reason="help")
    ledger.execute(transfer, key="transfer", actor="user:1", correlation="mission-8")
    together = commands.RecordCollaboration(
        collaboration="c-1", agents=("a-1", "a-2"), mission="mission-8", contributions_ppm=(500_000, 500_000)
    )
    ledger.execute(together, key="together", actor="user:1", correlation="mission-8")
    return ledger


@pytest.fixture(scope="module")
def chromium(django_db_setup: None) -> Iterator[Any]:
    """One headless browser for a module; tests are skipped where none is installed.

    Playwright's loop runs in this thread, and Django would take every test for asynchronous code.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium on PATH")
    with pytest.MonkeyPatch.context() as patch, sync_api.sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """Open an address in a fresh context, signed in by cookie; `problems` on the page collects what went wrong."""
    contexts = []

    def open_as(
        person: Person | None,
        address: str,
        *,
        width: int = 1400,
        theme: str = "light",
        language: str = "en",
        has_javascript: bool = True,
        timezone: str = "UTC",
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=theme,
            locale=language,
            java_script_enabled=has_javascript,
            timezone_id=timezone,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if person is not None:
            sign_in_as(page, person, live_server.url)
        keep_problems_of(page)
        page.goto(live_server.url + address)
        return page

    yield open_as
    for context in contexts:
        context.close()


def keep_problems_of(page: Any) -> None:
    """From now on `problems` on the page collects what its scripts throw and what stands on its console."""
    page.problems = []
    page.on("console", lambda message: page.problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: page.problems.append(f"error: {error}"))


def sign_in_as(page: Any, person: Person, url: str) -> None:
    """Whoever was signed in: from now on this window is the person's."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    name = django_settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])

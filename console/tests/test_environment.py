"""What the environment may say, and what it may not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from console.environment import (
    attestation_base_of,
    base_url_of,
    database_of,
    flag_of,
    hosts_of,
    mail_of,
    secret_key_of,
    storage_of,
    time_zone_of,
)
from console.tests.waiting import PATIENT_SECONDS

ROOT = Path(__file__).resolve().parents[2]
KEY_OF_PROCESS = """
import sys
from pathlib import Path
from console.environment import secret_key_of
print(secret_key_of({}, keys=Path(sys.argv[1]), is_production=False), end="")
"""
LONG_KEY = "abcdefghijklmnopqrstuvwxyz0123456789-abcdefghijklmnopqrstuvwxyz"


def manage(*arguments: str, storage: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a management command as an installation with this environment would."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ
        | {"GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.settings"}
        | environment,
        capture_output=True,
        text=True,
        timeout=PATIENT_SECONDS,
    )


def test_the_storage_is_where_the_environment_says_else_beside_the_code(tmp_path: Path) -> None:
    """GATEHOUSE_STORAGE moves it; a relative path is made absolute, because processes change their directory."""
    assert storage_of({}, base=tmp_path) == tmp_path / "storage"
    assert storage_of({"GATEHOUSE_STORAGE": "/srv/gatehouse"}, base=tmp_path) == Path("/srv/gatehouse")
    assert storage_of({"GATEHOUSE_STORAGE": "here"}, base=tmp_path).is_absolute()


@pytest.mark.parametrize(("value", "is_on"), [("1", True), ("yes", True), ("", False), ("0", False), ("Off", False)])
def test_a_flag_is_a_clear_yes_or_no(value: str, is_on: bool) -> None:
    """The usual words are understood, in any case."""
    assert flag_of({"GATEHOUSE_PRODUCTION": value}, "GATEHOUSE_PRODUCTION") is is_on


def test_a_flag_that_is_neither_is_refused() -> None:
    """A typing mistake in GATEHOUSE_PRODUCTION must not switch the safety off."""
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_PRODUCTION"):
        flag_of({"GATEHOUSE_PRODUCTION": "ture"}, "GATEHOUSE_PRODUCTION")


@pytest.mark.parametrize("base", ["http://a.example", "a.example", "https://a.example/", "https://a.example/?x"])
def test_the_base_of_attestations_is_an_address_without_an_end(base: str) -> None:
    """It stands in every certificate for ever: nothing that only looks like an address."""
    assert attestation_base_of({}) == "https://gatehouse.example"
    assert attestation_base_of({"GATEHOUSE_ATTESTATION_BASE": "https://a.example/b"}) == "https://a.example/b"
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_ATTESTATION_BASE"):
        attestation_base_of({"GATEHOUSE_ATTESTATION_BASE": base})


def test_the_first_start_makes_a_secret_key_that_others_cannot_read(tmp_path: Path) -> None:
    """It is kept in the storage, mode 0600, and found again by the next start."""
    first = secret_key_of({}, keys=tmp_path / "keys", is_production=True)
    second = secret_key_of({}, keys=tmp_path / "keys", is_production=True)

    kept = tmp_path / "keys" / "secret-key"
    assert first == second == kept.read_text()
    assert len(first) >= 50
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret-key"]


def test_several_first_starts_at_once_agree_on_one_key(tmp_path: Path) -> None:
    """The key that is on disk is the key that everybody uses."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", KEY_OF_PROCESS, str(tmp_path / "fresh")], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    outputs = {process.communicate(timeout=PATIENT_SECONDS)[0] for process in started}

    assert outputs == {(tmp_path / "fresh" / "secret-key").read_text()}


@pytest.mark.parametrize("key", ["short", "a" * 60])
def test_a_weak_secret_key_is_refused(tmp_path: Path, key: str) -> None:
    """Too short or too uniform: the console does not start with it."""
    with pytest.raises(ImproperlyConfigured, match="secret key"):
        secret_key_of({"GATEHOUSE_SECRET_KEY": key}, keys=tmp_path, is_production=False)


def test_production_refuses_a_key_file_that_others_can_read(tmp_path: Path) -> None:
    """The message says how to put it right."""
    (tmp_path / "secret-key").write_text(LONG_KEY)
    (tmp_path / "secret-key").chmod(0o644)

    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        secret_key_of({}, keys=tmp_path, is_production=True)


@pytest.mark.parametrize("hosts", ["", " , ", "*", "gatehouse.example,*.example"])
def test_production_needs_exact_host_names(hosts: str) -> None:
    """A wildcard would let anybody's name point here."""
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_HOSTS"):
        hosts_of({"GATEHOUSE_HOSTS": hosts}, is_production=True)


def test_outside_production_only_this_machine_is_answered() -> None:
    """GATEHOUSE_HOSTS opens nothing while there is no HTTPS."""
    assert hosts_of({"GATEHOUSE_HOSTS": "gatehouse.example"}, is_production=False) == [
        "127.0.0.1",
        "localhost",
        "[::1]",
    ]
    assert hosts_of({"GATEHOUSE_HOSTS": "a.example, b.example"}, is_production=True) == ["a.example", "b.example"]


def test_sqlite_is_durable_and_waits_for_its_turn(tmp_path: Path) -> None:
    """WAL, IMMEDIATE, synchronous FULL and a wait longer than any writer takes."""
    database = database_of({}, storage=tmp_path)

    assert database["NAME"] == tmp_path / "gatehouse.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert database["OPTIONS"]["init_command"] == "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL"
    assert database["OPTIONS"]["timeout"] == 20


@pytest.mark.django_db(transaction=True)
def test_the_open_database_really_has_these_settings() -> None:
    """What SQLite itself answers on our connection: WAL and FULL (2)."""
    with connection.cursor() as cursor:
        answers = [cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]

    assert answers == ["wal", 2]


def test_a_database_url_names_a_postgresql_database() -> None:
    """User and password may hold any character, percent-encoded; options follow the question mark."""
    database = database_of(
        {"DATABASE_URL": "postgresql://gate:p%40ss%2Fword@db.example:5433/house?sslmode=require"},
        storage=Path("/nowhere"),
    )

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("gate", "p@ss/word")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example", 5433, "house")
    assert database["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql://host", "nonsense"])
def test_another_database_is_refused(url: str) -> None:
    """The message shows the shape that is understood."""
    with pytest.raises(ImproperlyConfigured, match="postgresql://"):
        database_of({"DATABASE_URL": url}, storage=Path("/nowhere"))


def test_the_deployment_check_is_clean_in_production(tmp_path: Path) -> None:
    """Secure cookies, HTTPS redirect, HSTS and the rest: Django's own check finds nothing to say."""
    checked = manage(
        "check", "--deploy", "--fail-level", "DEBUG", storage=tmp_path,
        GATEHOUSE_PRODUCTION="1", GATEHOUSE_HOSTS="gatehouse.example",
    )  # fmt: skip

    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({}, "GATEHOUSE_HOSTS"),
        ({"GATEHOUSE_HOSTS": "*"}, "GATEHOUSE_HOSTS"),
        ({"GATEHOUSE_HOSTS": "gatehouse.example", "GATEHOUSE_SECRET_KEY": "short"}, "secret key"),
        ({"GATEHOUSE_HOSTS": "gatehouse.example", "GATEHOUSE_STORAGE": ""}, "GATEHOUSE_STORAGE"),
        ({"GATEHOUSE_HOSTS": "a.example", "GATEHOUSE_BASE_URL": "https://b.example"}, "GATEHOUSE_BASE_URL"),
        ({"GATEHOUSE_HOSTS": "a.example", "GATEHOUSE_MAIL_URL": "smtp://b.example"}, "GATEHOUSE_MAIL"),
    ],
)
def test_production_does_not_start_on_unsafe_values(tmp_path: Path, environment: dict[str, str], what: str) -> None:
    """Each is refused at once and by name, before anything listens."""
    refused = manage("check", **({"storage": tmp_path, "GATEHOUSE_PRODUCTION": "1"} | environment))  # type: ignore[arg-type]  # mixed values on purpose

    assert refused.returncode != 0
    assert what in refused.stderr


def test_no_migration_is_missing(tmp_path: Path) -> None:
    """The models and their migrations say the same."""
    checked = manage("makemigrations", "--check", "--dry-run", storage=tmp_path)

    assert checked.returncode == 0, checked.stdout


def test_the_time_zone_of_an_installation_is_utc_unless_it_says_otherwise() -> None:
    """A name that no zone has stops the start."""
    assert time_zone_of({}) == "UTC"
    assert time_zone_of({"GATEHOUSE_TIME_ZONE": " Europe/Berlin "}) == "Europe/Berlin"
    for wrong in ("Middle/Earth", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_TIME_ZONE"):
            time_zone_of({"GATEHOUSE_TIME_ZONE": wrong})


@pytest.mark.parametrize(
    "base", ["gatehouse.example", "https://a.example/", "https://a.example/x", "https://u@a.example", "ftp://a.example"]
)
def test_links_in_e_mails_begin_with_an_address_and_nothing_else(base: str) -> None:
    """Without one: this machine, or in production the first of our names over HTTPS."""
    hosts = ["a.example", "b.example"]
    assert base_url_of({}, hosts=hosts, is_production=False) == "http://127.0.0.1:8000"
    assert base_url_of({}, hosts=hosts, is_production=True) == "https://a.example"
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_BASE_URL"):
        base_url_of({"GATEHOUSE_BASE_URL": base}, hosts=hosts, is_production=False)


@pytest.mark.parametrize("base", ["http://a.example", "https://evil.example", "https://.a.example"])
def test_production_sends_no_links_to_other_places_or_without_https(base: str) -> None:
    """A link in an e-mail is where people type their passwords."""
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_BASE_URL"):
        base_url_of({"GATEHOUSE_BASE_URL": base}, hosts=["a.example", ".a.example"], is_production=True)


def test_a_mail_url_names_server_user_and_way() -> None:
    """Without one e-mails are files; ports follow the scheme; a password may hold any character."""
    sender = {"GATEHOUSE_MAIL_FROM": "gate@a.example"}
    near = mail_of({"GATEHOUSE_MAIL_URL": "smtp://127.0.0.1"} | sender, is_production=True)
    far = mail_of({"GATEHOUSE_MAIL_URL": "smtps://u%40a:p%2Fw@m.example"} | sender, is_production=True)
    start = mail_of({"GATEHOUSE_MAIL_URL": "smtp+starttls://m.example:2525"} | sender, is_production=True)

    assert mail_of({}, is_production=True).backend.endswith("filebased.EmailBackend")
    assert (near.host, near.port, near.is_tls, near.sender) == ("127.0.0.1", 25, False, "gate@a.example")
    assert (far.port, far.user, far.password, far.is_tls, far.is_starttls) == (465, "u@a", "p/w", True, False)
    assert (start.port, start.is_tls, start.is_starttls) == (2525, False, True)


@pytest.mark.parametrize(
    ("url", "sender", "is_production"),
    [
        ("smtp://m.example", "a@a.example", True),
        ("smtp://u:p@m.example", "a@a.example", False),
        ("smtps://m.example", "", True),
        ("smtps://m.example", "no address", False),
        ("smtps://m.example", "a@a.example\nBcc: b@a.example", False),
        ("http://m.example", "a@a.example", False),
        ("smtps://m.example:x", "a@a.example", False),
        ("smtps:///", "a@a.example", False),
    ],
)
def test_an_unsafe_or_unreadable_way_for_e_mails_is_refused(url: str, sender: str, is_production: bool) -> None:
    """Nothing in clear to another machine in production, no password in clear ever, no sender that is none."""
    with pytest.raises(ImproperlyConfigured, match="GATEHOUSE_MAIL"):
        mail_of({"GATEHOUSE_MAIL_URL": url, "GATEHOUSE_MAIL_FROM": sender}, is_production=is_production)

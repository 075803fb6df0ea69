"""E-mails leave in the end, each under one Message-ID, whatever the server does; real servers, processes and kills."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.test import Client
from django.utils import timezone

from console.kernel import audit
from console.kernel.audit_heads import heads_in
from console.kernel.authority import Role
from console.kernel.models import Person
from console.models import Notification, NotificationChoice
from console.notifications import sending
from console.notifications.letters import message_id
from console.notifications.postbag import postbag
from console.notifications.sending import Sent, send_due
from console.tests.browser.rows import make_judged_run
from console.tests.notifications.conftest import make_due, notification_for, with_address
from console.tests.notifications.mail_server import MailServer, mail_server
from console.tests.people import person_with
from console.tests.waiting import PATIENT_SECONDS, Stopwatch, wait_until

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


def somebody(**changes: Any) -> Person:
    """A tester with an address."""
    return with_address(person_with(Role.TESTER), **changes)


def test_a_letter_is_sent_once_and_noted(server: MailServer) -> None:
    """The second pass has nothing to do."""
    row = notification_for(somebody())

    assert [send_due(), send_due()] == [Sent(count=1), Sent()]
    row.refresh_from_db()
    assert row.mailed_at is not None
    assert row.mail_due_at is None
    assert [one["Message-ID"] for one in server.letters] == [message_id(row)]


@pytest.mark.parametrize("behaviour", ["full", "babbles", "hangs", "drips"])
def test_a_server_that_does_not_do_its_work_is_tried_again_later_and_caught_up_with(
    server: MailServer, behaviour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It costs one connection a pass and the time of one letter; nothing is lost, and the postbag says so."""
    monkeypatch.setattr(sending, "LETTER_SECONDS", 1.0)
    rows = [notification_for(somebody()) for _ in range(3)]
    server.behaviour = behaviour
    watch = Stopwatch()
    first, second = send_due(), send_due()
    seconds = watch.seconds

    assert (first, second) == (Sent(failed_count=3), Sent())
    assert server.connection_count == 1
    assert seconds < 20  # of one letter and one good-bye, on a machine that may be busy
    assert postbag().is_stuck
    assert postbag().trouble
    server.behaviour = "takes"
    make_due()
    assert send_due() == Sent(count=3)
    assert {one["Message-ID"] for one in server.letters} == {message_id(row) for row in rows}
    assert not postbag().is_stuck


def test_the_waits_between_attempts_double_up_to_an_hour(settings: Any) -> None:
    """A server that is gone for a weekend is asked sixty times and not a hundred thousand."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", "127.0.0.1"
    settings.EMAIL_PORT = 1  # nobody listens there
    row = notification_for(somebody())
    minutes = []
    for _ in range(9):
        make_due()
        send_due()
        row.refresh_from_db()
        assert row.mail_due_at is not None
        minutes.append(round((row.mail_due_at - timezone.now()).total_seconds() / 60))

    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert row.mail_trouble.startswith("ConnectionRefusedError")


def test_a_person_whom_the_server_does_not_know_keeps_nobody_else_waiting(server: MailServer) -> None:
    """What is wrong with one letter is that letter's."""
    server.behaviour = "knows nobody"
    gone = notification_for(somebody(email="gone@a.example"))
    notification_for(somebody())

    assert send_due() == Sent(count=1, failed_count=1)
    gone.refresh_from_db()
    assert "550" in gone.mail_trouble


def test_a_pass_sends_no_more_than_so_many(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest comes with the next pass."""
    monkeypatch.setattr(sending, "LETTERS_MAX", 2)
    person = somebody()
    for _ in range(3):
        notification_for(person)

    assert [send_due().count, send_due().count] == [2, 1]


@pytest.mark.parametrize("change", ["left", "lost the role", "read it", "chose", "no address", "ended"])
def test_what_is_no_longer_wanted_is_not_sent(server: MailServer, change: str) -> None:
    """Also when it was due before."""
    person = somebody()
    row = notification_for(person)
    if change == "left":
        Person.objects.filter(pk=person.pk).update(is_active=False)
    elif change == "lost the role":
        person.grants.all().update(ended_at=timezone.now(), ended_by=person)
    elif change == "chose":
        NotificationChoice.objects.create(person=person, mails_decided=False)
    elif change == "no address":
        with_address(person, email="")
    else:
        field = "read_at" if change == "read it" else "ended_at"
        Notification.objects.filter(pk=row.pk).update(**{field: timezone.now()})

    assert send_due() == Sent()
    assert server.letters == []


def test_a_letter_speaks_the_language_and_zone_of_its_person_and_bears_the_head(
    server: MailServer, tmp_path: Path
) -> None:
    """In German; a link without authority; the head is found again as in any report."""
    person = somebody(language="de", time_zone="Europe/Berlin", printed_name="Jürgen Groß")
    client = Client()
    client.post("/admin/login/", {"username": person.username, "password": "a-long-enough-passphrase"})
    run = make_judged_run(person=person, points=5)
    why = {"template": run.sentence, "params": run.sentence_params}
    what = {"template": "run %(run)s ended: INCOMPLETE", "params": {"run": run.pk}}
    notification_for(person, kind="run", what=what, why=why, link=f"run:{run.pk}")
    send_due()

    letter = server.letters[0]
    body = letter.get_content()
    assert letter["Subject"] == f"[Gatehouse] Lauf {run.pk} ist zu Ende: UNVOLLSTÄNDIG"
    assert letter["Content-Language"] == "de"
    assert "Guten Tag, Jürgen Groß," in body
    assert "CET" in body or "CEST" in body
    assert heads_in(letter.as_bytes()) == (audit.head(),)
    (link, choice) = [line for line in body.splitlines() if line.startswith("http")]
    assert link == f"{django_settings.BASE_URL}/admin/testruns/run/{run.pk}/"
    assert "?" not in link + choice
    answer = Client().get(link.removeprefix(django_settings.BASE_URL))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")


def test_no_name_or_text_of_a_person_gets_into_the_headers(server: MailServer) -> None:
    """Line breaks in names, conditions and reasons are blanks, in the header and in the letter."""
    evil = "x\r\nBcc: all@a.example\r\n\r\nAudit chain: entry 1, " + "0" * 64
    person = somebody(printed_name=evil[:150])
    what = {"template": "close condition C%(number)s of phase %(phase)s: %(text)s"}
    notification_for(person, what=what | {"params": {"number": 1, "phase": "5a", "text": evil}})

    assert send_due() == Sent(count=1)
    (letter,) = server.letters
    assert letter["Bcc"] is None
    assert letter["To"] == person.email
    assert "\n" not in letter["Subject"]
    assert not [line for line in letter.get_content().splitlines() if line.startswith("Bcc")]


def test_a_row_that_cannot_be_said_keeps_nobody_else_waiting(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A parameter is missing: that is logged, and the next letter leaves."""
    notification_for(somebody(), what={"template": "phase %(phase)s", "params": {}})
    notification_for(somebody())

    assert send_due() == Sent(count=1, failed_count=1)
    assert "cannot be said" in caplog.text


def test_without_a_server_letters_are_files(settings: Any, tmp_path: Path) -> None:
    """The default of an installation: one can read what would have been sent, and check its head."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    row = notification_for(somebody())

    assert send_due() == Sent(count=1)
    (file,) = (tmp_path / "mail").iterdir()
    assert message_id(row).encode() in file.read_bytes()
    assert heads_in(file.read_bytes()) == (audit.head(),)
    assert mail.outbox == []


def notifier(server: MailServer) -> subprocess.Popen[str]:
    """`manage.py notify --once` as a process of its own on the database of this test."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "notify", "--once"],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings", "GATEHOUSE_MAIL_URL": server.url},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.django_db(transaction=True)
def test_two_processes_at_once_tell_and_send_everything_once() -> None:
    """The database lets one of them write a row, and one of them make an attempt."""
    people = [somebody() for _ in range(6)]
    for person in people:
        make_judged_run(person=person, points=5)
    with mail_server() as server:
        both = [notifier(server) for _ in range(2)]
        outputs = [process.communicate(timeout=PATIENT_SECONDS)[0] for process in both]
        made = Notification.objects.filter(kind="run", mailed_at__isnull=False).count()

    assert all(" told, " in output for output in outputs)
    assert made == len(people)
    assert len(server.letters) == len({one["Message-ID"] for one in server.letters}) == len(people)


@pytest.mark.django_db(transaction=True)
def test_a_letter_whose_sender_was_killed_within_is_sent_again_under_the_same_name() -> None:
    """The server has it and never said so: once in the inbox, at least once by e-mail, one Message-ID."""
    make_judged_run(person=somebody(), points=5)
    with mail_server() as server:
        server.behaviour = "swallows"
        process = notifier(server)
        wait_until(lambda: bool(server.letters), timeout_seconds=60, what="the letter at the server")
        process.kill()
        process.communicate()
        row = Notification.objects.get()
        is_noted = row.mailed_at is not None
        server.behaviour = "takes"
        make_due()
        notifier(server).communicate(timeout=PATIENT_SECONDS)
        row.refresh_from_db()

    assert not is_noted
    assert row.mailed_at is not None
    assert [one["Message-ID"] for one in server.letters] == [message_id(row)] * 2

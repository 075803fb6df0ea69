"""What the journal browser says of the signed history: the head, the last checkpoint, and when they disagree."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from console import signing_keys
from console.kernel.authority import Role
from console.tests.people import person_with
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.condition import live_condition
from ledger.conf import live_journal
from ledger.proof.errors import HistoryChanged
from ledger.tests.commands.calling import call
from ledger.tests.doctor import damages
from ledger.tests.proof.journals import chain_again
from ledger.verifying.reading import examine

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def live(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A live journal with one agent in it, and a signing key."""
    close_live_ledger()
    settings.STORAGE = tmp_path / "storage"
    signing_keys.create_first(directory=settings.STORAGE / "keys")
    create("ann")
    yield live_journal()
    close_live_ledger()


def create(agent: str) -> None:
    """One command."""
    order = commands.CreateAgent(agent=agent, initial_micros=1_000_000)
    live_ledger().execute(order, key=agent, actor="user:1", correlation="c")


def shown() -> tuple[str, str]:
    """The journal and the page of its verification, as an auditor sees them."""
    client = Client()
    client.force_login(person_with(Role.AUDITOR), backend="django.contrib.auth.backends.ModelBackend")
    browser = client.get(reverse("admin:journal_events")).content.decode()
    return browser, client.get(reverse("admin:journal_verification")).content.decode()


def test_the_pages_show_head_and_last_checkpoint() -> None:
    """Which event was signed, and how many were recorded since."""
    call("ledger", "checkpoint")
    signed = live_ledger().head
    create("bob")

    browser, check = shown()

    assert "Signed" in browser
    assert live_condition().warnings == ()
    assert "the journal still is what was signed there" in check
    assert f"event {signed.seq}" in check
    assert live_ledger().head.hash in check
    assert "Not signed yet" in check


def test_a_journal_that_nobody_signed_says_so() -> None:
    """No checkpoint is not a good one."""
    browser, check = shown()

    assert "Not signed yet" in browser
    assert "none that can be believed" in check


def test_an_older_copy_of_the_journal_is_shown_as_what_it_is(live: Path, tmp_path: Path) -> None:
    """Both pages, in words: events that were signed are gone."""
    close_live_ledger()
    shutil.copytree(live, tmp_path / "older")
    create("bob")
    call("ledger", "checkpoint")
    close_live_ledger()
    shutil.rmtree(live)
    shutil.copytree(tmp_path / "older", live)

    for page in shown():
        assert "The journal is not the history that was signed" in page
        assert "the journal still is what was signed there" not in page
    assert "or an older copy stands in its place" in live_condition().warnings[0]
    assert Client().get("/api/health").json()["checks"]["journal"] == {"status": "degraded", "state": "normal"}


@pytest.mark.parametrize(
    ("left", "said"), [(b"", "The file durable is missing"), (bytes(64), "One of the two slots of the file durable")]
)
def test_a_mark_that_is_gone_is_said_until_an_order_writes_it_anew(live: Path, left: bytes, said: str) -> None:
    """Both slots or one of them, while the journal is open: nothing of it is lost, and it goes on."""
    content = (live / "durable").read_bytes()
    (live / "durable").write_bytes(left and left + content[len(left) :])

    browser, _ = shown()
    create("bob")
    create("eve")

    assert said in browser
    assert live_condition().state == "normal"
    assert live_condition().warnings == ()


def test_damage_in_the_middle_is_not_called_a_cut_tail(live: Path) -> None:
    """Behind it nothing was read: that the verified part ends before the checkpoint says nothing about the rest."""
    for name in ("bob", "eve"):
        create(name)
    call("ledger", "checkpoint")
    close_live_ledger()
    damages.flip(live, 0, 3)

    browser, _ = shown()

    assert live_condition().state == "read_only"
    assert live_condition().warnings == ()
    assert "The journal is damaged; it can be read, not written" in browser
    assert "The journal is not the history that was signed" not in browser


def test_the_check_finds_a_history_that_was_written_anew(live: Path) -> None:
    """Every hash fits again after the forger; the checkpoint does not."""
    create("bob")
    call("ledger", "checkpoint")
    create("eve")
    close_live_ledger()
    (live / "manifest.jsonl").touch()
    chain_again(live, lambda records: [*records[:2], {**records[2], "actor": "user:99"}, *records[3:]])

    outcome = examine(live, began_at="", progress=lambda *_: None)

    assert not outcome.is_sound
    assert [one["template"] for one in outcome.problems] == [HistoryChanged.message]


def test_a_checkpoint_that_was_changed_is_not_believed(live: Path) -> None:
    """The page says so, and shows no event for it."""
    call("ledger", "checkpoint")
    (note,) = (live.parent / "credits.checkpoints").iterdir()
    lines = note.read_bytes().split(b"\n")
    note.write_bytes(b"\n".join([lines[0], b"1", *lines[2:]]))

    browser, check = shown()

    assert "changed after signing" in browser
    assert "none that can be believed" in check

"""`/api/health` and `/api/credits/health`: what works, what needs a look, what failed, and nothing secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.db import OperationalError, connection
from django.test import Client
from django_q.conf import Conf

from console.api import health
from console.kernel import governance_journal
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import live_journal

PATH = "/api/health"
CREDITS = "/api/credits/health"


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A storage as `up` leaves it: a live journal, a governance journal, a worker that gives signs of life."""
    close_live_ledger()
    governance_journal.close()
    settings.STORAGE = tmp_path
    yield tmp_path
    close_live_ledger()
    governance_journal.close()
    caches[Conf.CACHE].clear()


@pytest.fixture
def running(db: None) -> None:
    """Everything works."""
    live_ledger().execute(commands.CreateAgent(agent="ann"), key="k", actor="user:1", correlation="c")
    governance_journal.begin()
    governance_journal.relay()
    give_sign_of_life()


def give_sign_of_life() -> None:
    """As the cluster does it twice a second."""
    caches[Conf.CACHE].set(Conf.Q_STAT, [f"{Conf.Q_STAT}:1"], None)
    caches[Conf.CACHE].set(f"{Conf.Q_STAT}:1", "a pulse", 3)


def read(path: str = PATH) -> tuple[int, dict[str, Any]]:
    """Status and body."""
    answer = Client().get(path)
    return answer.status_code, answer.json()


@pytest.mark.usefixtures("running")
def test_a_working_installation_is_ok_for_everybody_who_asks() -> None:
    """Without a token; and the answer holds nothing but words and numbers."""
    code, told = read()

    assert (code, told["status"]) == (200, "ok")
    assert {name: check["status"] for name, check in told["checks"].items()} == dict.fromkeys(health.CHECKS, "ok")
    assert told["checks"]["disk"]["free_bytes"] > 0
    assert read(CREDITS) == (200, {"status": "ok", "journal": "normal"})


@pytest.mark.usefixtures("running")
def test_a_journal_that_takes_no_orders_is_a_failure_and_its_reason_is_not_told() -> None:
    """The reason names files and what stands in them."""
    close_live_ledger()
    path = next((live_journal() / "segments").glob("*.jsonl"))
    path.write_bytes(path.read_bytes().replace(b"user:1", b"user:2", 1))

    code, told = read()

    assert (code, told["status"]) == (503, "failed")
    assert told["checks"]["journal"] == {"status": "failed", "state": "read_only"}
    assert read(CREDITS) == (503, {"status": "failed", "journal": "read_only"})


@pytest.mark.usefixtures("running")
def test_a_journal_nobody_can_open_is_a_failure() -> None:
    """Its first file holds something else."""
    close_live_ledger()
    (live_journal() / "journal.json").write_text("no facts")

    assert read()[1]["checks"]["journal"] == {"status": "failed", "state": "unreadable"}
    assert read(CREDITS)[0] == 503


@pytest.mark.usefixtures("running")
def test_a_silent_worker_is_a_failure() -> None:
    """Nothing that was requested would ever run."""
    caches[Conf.CACHE].delete(f"{Conf.Q_STAT}:1")

    code, told = read()

    assert (code, told["checks"]["worker"]) == (503, {"status": "failed", "is_alive": False})


@pytest.mark.usefixtures("running")
def test_a_governance_journal_that_is_gone_wants_a_look_and_stops_nothing(storage: Path) -> None:
    """Work goes on in the database, which holds the chain."""
    governance_journal.close()
    (storage / "events" / "governance" / "journal.json").unlink()

    code, told = read()

    assert (code, told["status"]) == (200, "degraded")
    assert told["checks"]["governance"]["status"] == "degraded"


@pytest.mark.usefixtures("running")
def test_without_a_database_the_answer_still_comes() -> None:
    """Every part that needs it failed; the others say how they are."""

    def gone(*_: object) -> Any:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(gone):
        code, told = read()

    assert (code, told["status"]) == (503, "failed")
    failed = {name for name, check in told["checks"].items() if check["status"] == "failed"}
    assert failed >= {"database", "governance"}
    assert told["checks"]["journal"]["status"] == "ok"
    assert "closed" not in str(told)

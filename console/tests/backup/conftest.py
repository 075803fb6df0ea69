"""One installation with a release in it, set up once for all tests that only save and restore it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.kernel import governance_journal
from console.tests.backup.installations import Installation
from ledger.actions import close_live_ledger


@dataclass(frozen=True, kw_only=True)
class LivedIn:
    """The installation, its certificate as a file outside of it, and a backup of it with what came out of that.

    Its live journal had a checkpoint when it was saved. Tests look at both and copy them; they change neither.
    """

    installation: Installation
    certificate: Path
    saved: Path
    restored: Installation


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> LivedIn:
    """An installation in which people released a phase."""
    home = tmp_path_factory.mktemp("lived-in")
    certificate = home / "certificate.json"
    installation = Installation(home / "storage").set_up(certificate)
    restored = Installation(home / "restored")
    for at, command in (
        (installation, ("ledger", "checkpoint")),
        (installation, ("backup", home / "saved")),
        (restored, ("restore", home / "saved")),
    ):
        made = at.manage(*command)
        assert made.returncode == 0, made.stdout + made.stderr
    return LivedIn(installation=installation, certificate=certificate, saved=home / "saved", restored=restored)


@pytest.fixture
def journals_given_back() -> Iterator[None]:
    """Journals that this process holds open belong to the storage of before."""
    close_live_ledger()
    governance_journal.close()
    yield
    close_live_ledger()
    governance_journal.close()

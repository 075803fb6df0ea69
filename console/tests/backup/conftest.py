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
    """The installation, and its certificate as a file outside of it."""

    installation: Installation
    certificate: Path


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> LivedIn:
    """An installation in which people released a phase."""
    home = tmp_path_factory.mktemp("lived-in")
    certificate = home / "certificate.json"
    installation = Installation(home / "storage").set_up(certificate)
    return LivedIn(installation=installation, certificate=certificate)


@pytest.fixture
def journals_given_back() -> Iterator[None]:
    """Journals that this process holds open belong to the storage of before."""
    close_live_ledger()
    governance_journal.close()
    yield
    close_live_ledger()
    governance_journal.close()

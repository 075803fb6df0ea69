"""The storage, the journal and the people of the ledger's own tests of verifying."""

from ledger.tests.verifying.conftest import engineer, journal, make_actor, storage

__all__ = ["engineer", "journal", "make_actor", "storage"]

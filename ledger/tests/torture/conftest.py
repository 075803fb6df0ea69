"""The same directory for a journal as in the tests of the engine."""

from ledger.tests.engine.conftest import home

__all__ = ["home"]

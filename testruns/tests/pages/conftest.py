"""The people, the storage and the client of the tests of screens."""

from console.tests.browser.conftest import browse, make_person, storage, tester

__all__ = ["browse", "make_person", "storage", "tester"]

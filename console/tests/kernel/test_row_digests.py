"""Rows bound to the chain: taken in once, followed through upgrades, and never adopted when they are wrong."""

from __future__ import annotations

import json

import pytest
from django.db import connection, transaction

from console.kernel import audit, row_binding, row_digests, triggers
from console.kernel.authority import Role
from console.kernel.models import AuditEntry, Person
from console.tests.people import person_with

pytestmark = pytest.mark.django_db
PERSON = "kernel.Person"


def bindings() -> int:
    """How often rows were taken in."""
    return AuditEntry.objects.filter(act=row_digests.ACT_BOUND).count()


def bind_anew(monkeypatch: pytest.MonkeyPatch, *, without: set[str]) -> None:
    """What an upgrade does whose model has other fields than before."""
    monkeypatch.setitem(row_digests._left_out, PERSON, frozenset({"last_login", "language", "time_zone"} | without))
    row_binding.bind_existing()


@pytest.fixture
def known() -> Person:
    """A person whose row is in the chain."""
    person = person_with(Role.TESTER)
    with transaction.atomic():
        audit.record(actor=None, act="people.manage", object="", rows=[person, *person.grants.all()])
    return person


def test_a_fresh_installation_binds_every_model_in_one_entry() -> None:
    """With the fields that are covered from then on; nobody's rows are in it yet."""
    entry = AuditEntry.objects.get(act=row_digests.ACT_BOUND)

    fields = json.loads(entry.after)["fields"]
    assert set(fields) == {model._meta.db_table for model in row_digests.bound()}
    assert "password" in fields["kernel_person"]
    assert "last_login" not in fields["kernel_person"]


def test_binding_again_changes_nothing(known: Person) -> None:
    """Every migrate asks."""
    row_binding.bind_existing()

    assert bindings() == 1


def test_a_row_handed_to_an_entry_is_known_as_it_is_at_the_end(known: Person) -> None:
    """Read anew from the database, so that an update past the object counts."""
    with transaction.atomic():
        Person.objects.filter(pk=known.pk).update(email="anna@example.com")
        audit.record(actor=None, act="people.manage", object="", rows=[known])

    assert list(row_digests.wrong_rows()) == []


def test_what_changes_without_being_history_is_left_out(known: Person) -> None:
    """Signing in and choosing a language leave the row sound."""
    Person.objects.filter(pk=known.pk).update(language="de", last_login="2026-01-01T00:00:00Z")

    assert list(row_digests.wrong_rows()) == []


def test_a_field_more_takes_the_rows_in_anew(known: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new digests cover it; what was sound stays sound."""
    bind_anew(monkeypatch, without={"email"})

    assert bindings() == 2
    assert list(row_digests.wrong_rows()) == []


def test_a_row_that_was_edited_before_an_upgrade_is_not_adopted(known: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays a finding, and so does one that was added."""
    added = person_with()
    Person.objects.filter(pk=known.pk).update(is_superuser=True)

    bind_anew(monkeypatch, without={"email"})

    assert {(one.row, one.what) for one in row_digests.wrong_rows()} == {
        (f"kernel_person:{known.pk}", "altered"),
        (f"kernel_person:{added.pk}", "unknown"),
    }


def test_many_rows_are_taken_in_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry holds a limited number of digests."""
    monkeypatch.setattr(row_binding, "_PART", 2)
    people = [person_with() for _ in range(5)]
    monkeypatch.delitem(row_digests._left_out, PERSON)
    triggers.drop()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_auditentry")
    triggers.install()
    row_digests.bind(Person, leaving_out=("last_login", "language"))

    row_binding.bind_existing()

    assert bindings() >= 3
    assert len(people) == 5
    assert list(row_digests.wrong_rows()) == []


def test_an_entry_that_was_tampered_with_stops_no_comparison(known: Person) -> None:
    """The walk over the chain names it; the rows it held are unknown then."""
    triggers.drop()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_auditentry SET after = '{\"rows\":{ no json' WHERE act = 'people.manage'")

    assert {one.what for one in row_digests.wrong_rows()} == {"unknown"}

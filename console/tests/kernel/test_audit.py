"""The audit chain: it only grows, and an edit by someone with SQL access is found."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from console.kernel import audit, triggers
from console.kernel.authority import Role
from console.kernel.models import AuditEntry
from console.tests.people import actor_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries() -> list[AuditEntry]:
    """Five entries of a fresh chain."""
    actor = actor_with(Role.TESTER)
    with transaction.atomic():
        return [
            audit.record(actor=actor, act="run.request", object=f"run:{number}", after={"seed": number, "word": "Grün"})
            for number in range(1, 6)
        ]


def execute(statement: str) -> None:
    """Run SQL as someone would who has the database file in their hands."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_entries_follow_one_another(entries: list[AuditEntry]) -> None:
    """Each entry names the hash of the one before; the chain is sound and ends at its head."""
    report = audit.verify_chain()

    assert report.is_sound
    assert report.count == AuditEntry.objects.count()
    assert report.head == audit.head() == audit.Head(index=entries[-1].index, hash=entries[-1].hash)
    assert [entry.previous_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]


def test_an_entry_outside_a_transaction_is_refused(transactional_db: None) -> None:
    """An entry that could survive a failed change would be a lie."""
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(actor=None, act="run.reap", object="run:1")


def test_what_the_console_does_by_itself_names_the_console() -> None:
    """No person stands behind a reaped run."""
    with transaction.atomic():
        entry = audit.record(actor=None, act="run.reap", object="run:1")

    assert (entry.actor, entry.actor_name, entry.via) == ("system", "Gatehouse", "system")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kernel_auditentry SET actor_name = 'somebody else'",
        "DELETE FROM kernel_auditentry",
        'INSERT INTO kernel_auditentry SELECT "index" + 100, at, actor, actor_name, via, act, object, outcome, code, '
        "before, after, 'x' || previous_hash, hash FROM kernel_auditentry",
        'REPLACE INTO kernel_auditentry SELECT "index", at, actor, actor_name, via, act, object, outcome, code, '
        "before, after, previous_hash, hash FROM kernel_auditentry LIMIT 1",
        'REPLACE INTO kernel_auditentry SELECT "index" + 5, at, actor, actor_name, via, act, object, outcome, code, '
        "before, after, previous_hash, hash FROM kernel_auditentry LIMIT 1",
    ],
)
def test_the_database_refuses_to_change_the_chain(entries: list[AuditEntry], statement: str) -> None:
    """UPDATE, DELETE, a gap, and both ways in which REPLACE deletes quietly are refused, also in raw SQL."""
    with pytest.raises(IntegrityError, match="kernel_auditentry"):
        execute(statement)

    assert audit.verify_chain().is_sound
    assert AuditEntry.objects.count() >= len(entries)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE kernel_auditentry SET actor_name = 'x' WHERE \"index\" = {third}", "does not match its hash"),
        ("UPDATE kernel_auditentry SET after = '' WHERE \"index\" = {third}", "does not match its hash"),
        (
            "UPDATE kernel_auditentry SET at = '2020-01-01 00:00:00' WHERE \"index\" = {third}",
            "does not match its hash",
        ),
        ("UPDATE kernel_auditentry SET hash = 'x' WHERE \"index\" = {third}", "does not follow"),
        ('DELETE FROM kernel_auditentry WHERE "index" = {third}', "are missing"),
        ('UPDATE kernel_auditentry SET "index" = "index" + 10 WHERE "index" = {third}', "are missing"),
    ],
)
def test_an_edit_made_with_the_triggers_gone_is_found(entries: list[AuditEntry], statement: str, what: str) -> None:
    """Someone with SQL access can drop a trigger and edit; verifying the chain says where."""
    triggers.drop()
    execute(statement.format(third=entries[2].index))

    report = audit.verify_chain()

    assert not report.is_sound
    assert any(what in problem.what for problem in report.problems)
    assert min(problem.index for problem in report.problems) >= entries[2].index


def test_a_forged_entry_with_a_fresh_hash_breaks_the_link_to_the_next(entries: list[AuditEntry]) -> None:
    """Recomputing the hash of the edited entry does not help: the next one still names the old hash."""
    triggers.drop()
    third = AuditEntry.objects.get(index=entries[2].index)
    third.actor_name = "somebody else"
    AuditEntry.objects.filter(index=third.index).update(actor_name=third.actor_name, hash=audit.hash_of(third))

    report = audit.verify_chain()

    assert [problem.index for problem in report.problems] == [entries[3].index]


def test_a_cut_tail_shows_against_a_head_that_left_the_machine(entries: list[AuditEntry]) -> None:
    """A shorter chain is sound in itself; the head in a report or mail tells the difference."""
    known = audit.head()
    triggers.drop()
    execute(f'DELETE FROM kernel_auditentry WHERE "index" = {entries[-1].index}')

    assert audit.verify_chain().is_sound
    assert audit.head() != known


def test_entries_hold_what_canonical_json_holds(entries: list[AuditEntry]) -> None:
    """Before and after are stored as the exact bytes that were hashed, sorted and unescaped."""
    assert entries[0].after == '{"seed":1,"word":"Grün"}'

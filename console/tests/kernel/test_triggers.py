"""Triggers: installed by migrate, verified by name and text, out of the way of table rebuilds."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from console.kernel import triggers
from console.kernel.models import Person
from console.tests.people import person_with

pytestmark = pytest.mark.django_db


def execute(statement: str) -> None:
    """Run SQL past the models."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_migrated_database_has_every_trigger() -> None:
    """Nothing is wrong after migrate."""
    triggers.verify()
    assert {trigger.table for trigger in triggers.registered()} >= {"kernel_auditentry", "kernel_person"}


def test_a_missing_trigger_is_named() -> None:
    """Whoever starts the console hears which protection is gone."""
    execute("DROP TRIGGER kernel_auditentry_refuse_update")

    with pytest.raises(triggers.TriggersDamaged, match="kernel_auditentry_refuse_update is missing"):
        triggers.verify()


def test_a_weakened_trigger_is_named_although_its_name_is_there() -> None:
    """The text counts, not the name alone."""
    execute("DROP TRIGGER kernel_auditentry_refuse_update")
    execute(
        "CREATE TRIGGER kernel_auditentry_refuse_update BEFORE UPDATE ON kernel_auditentry "
        "WHEN 0 BEGIN SELECT RAISE(ABORT, 'x'); END"
    )

    with pytest.raises(triggers.TriggersDamaged, match="kernel_auditentry_refuse_update is altered"):
        triggers.verify()


def test_installing_restores_what_is_missing_or_altered() -> None:
    """Migrate is the way back; doing it twice changes nothing more."""
    execute("DROP TRIGGER kernel_auditentry_refuse_update")

    triggers.install()
    triggers.install()

    triggers.verify()


@pytest.mark.django_db(transaction=True)
def test_a_flush_leaves_the_triggers_in_place() -> None:
    """Flush sends post_migrate, which puts them back; so does every migrate."""
    triggers.drop()
    call_command("flush", interactive=False, verbosity=0)

    triggers.verify()


def test_triggers_step_aside_only_for_a_migrate_that_has_work_to_do() -> None:
    """A start with nothing to migrate never leaves the history unprotected, not even for a moment."""
    triggers.drop_before_migrate(using="default", plan=[])
    triggers.verify()

    triggers.drop_before_migrate(using="default", plan=[("a migration", False)])
    with pytest.raises(triggers.TriggersDamaged):
        triggers.verify()


def test_a_person_is_never_deleted() -> None:
    """What a person signed keeps its name: the database refuses, whatever asks."""
    person = person_with()

    with pytest.raises(IntegrityError, match="deactivated, never deleted"), transaction.atomic():
        Person.objects.filter(pk=person.pk).delete()

    assert Person.objects.filter(pk=person.pk).exists()


@pytest.mark.parametrize(
    "values",
    [
        {"operation": "TRUNCATE"},
        {"name": "no spaces please"},
        {"name": "x" * 64},
        {"reason": "it's quoted"},
    ],
)
def test_a_trigger_that_could_not_be_written_safely_is_refused(values: dict[str, str]) -> None:
    """Names, operations and reasons become SQL, so they are checked where they are written."""
    sound = {"name": "t", "table": "kernel_person", "operation": "UPDATE", "reason": "no"}

    with pytest.raises(ValueError, match=r"trigger|reason"):
        triggers.Trigger(**(sound | values), condition=None)


def test_a_name_taken_twice_stops_the_import() -> None:
    """Two rules under one name would silently be one."""
    with pytest.raises(ValueError, match="registered twice"):
        triggers.register(triggers.registered()[0])

"""Rows of releases against somebody with SQL: refused while the triggers are there, found and named without them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from console import actions
from console.actions import PhaseEditing
from console.kernel.row_digests import bound, wrong_rows
from console.models import CapabilityAct, Phase, PhaseDependency, ReleaseRequest
from console.release_states import Word
from console.tests.releases.passing_time import without_triggers
from console.tests.releases.people import (
    WHY,
    Team,
    attest,
    attest_execution,
    condition,
    decide,
    sign_review,
    write_review,
)

pytestmark = pytest.mark.django_db

OURS = [model for model in apps.get_app_config("console").get_models() if model in bound()]


def whole_story(request: ReleaseRequest, team: Team) -> None:
    """Something in every table: a withdrawn signature, a condition closed, GO, a waiver, a phase, a revocation."""
    first = attest(request, by=team.engineer)
    actions.withdraw_sign_off(actor=team.engineer, sign_off_id=first.pk, reason=WHY)
    attest(request, by=team.engineer)
    attest_execution(request, by=team.tester)
    review = write_review(request, by=team.reviewer)
    actions.comment(actor=team.engineer, request_id=request.pk, text="Look at the margin of E03.")
    actions.attach(actor=team.reviewer, review_id=review.pk, name="notes.txt", content=b"what I saw")
    sign_review(request, by=team.reviewer)
    given = (condition(owner=team.engineer),)
    row = decide(request, Word.CONDITIONAL, by=team.supervisor, conditions=given).conditions.get()
    actions.close_with_file(actor=team.engineer, condition_id=row.pk, content=b"the graph")
    actions.confirm_condition(actor=team.supervisor, condition_id=row.pk)
    decision = decide(request, Word.GO, by=team.supervisor)
    waiver = actions.request_waiver(
        actor=team.tester,
        phase="5a",
        build_id=request.build_id,
        rule_code="E03",
        reason=WHY,
        expires_at=timezone.now() + timedelta(days=3),
    )
    actions.answer_waiver(actor=team.supervisor, waiver_id=waiver.pk, is_approved=True, reason=WHY)
    editing = PhaseEditing(title="Read side", description="", opened_by=["6a"], checks=[])
    edit = actions.propose_phase_edit(actor=team.opener, phase="8a", number=1, editing=editing)
    actions.activate_phase_edit(actor=team.engineer, edit_id=edit.pk, digest=edit.digest)
    actions.revoke_release(actor=team.supervisor, decision_id=decision.pk, reason=WHY)


def filled() -> list[type[models.Model]]:
    """Every table of ours that whole_story fills: all but the acts on capabilities, of which none is built."""
    return [model for model in OURS if model is not CapabilityAct]


def column_to_change(model: type[models.Model]) -> str:
    """A long text of the table, or what it has instead."""
    fields = model._meta.concrete_fields
    kinds = (models.TextField, models.CharField, models.DateTimeField, models.BooleanField)
    return next(field.name for kind in kinds for field in fields if isinstance(field, kind))


def changed(value: Any) -> Any:
    """Something else of the same kind."""
    if isinstance(value, str):
        return value + "x"
    return not value if isinstance(value, bool) else value + timedelta(seconds=1)


def wrong_rows_of_releases() -> list[tuple[str, str]]:
    """What does not follow from the chain; people of tests are made past it."""
    return [(one.row, one.what) for one in wrong_rows() if one.row.startswith("console_")]


def run_sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_every_row_of_a_release_is_bound_to_the_audit_chain(request_5a: ReleaseRequest, team: Team) -> None:
    """What the actions wrote is what the chain knows, all of it, and nothing else is there."""
    whole_story(request_5a, team)

    assert [model.__name__ for model in filled() if not model._base_manager.exists()] == []
    assert wrong_rows_of_releases() == []


def test_nobody_rewrites_a_row_by_sql(request_5a: ReleaseRequest, team: Team) -> None:
    """Not by UPDATE, not by DELETE, and not by a REPLACE that would take its place."""
    whole_story(request_5a, team)

    for model in [one for one in filled() if one not in (Phase, PhaseDependency)]:  # these are edited: test_phase_edits
        table, column = model._meta.db_table, column_to_change(model)
        columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
        for statement in (
            f"UPDATE {table} SET \"{column}\" = '9'",
            f"DELETE FROM {table}",
            f"INSERT OR REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}",
        ):
            with pytest.raises(DatabaseError, match=table):
                run_sql(statement)


def test_what_was_changed_without_the_triggers_is_found_and_named(request_5a: ReleaseRequest, team: Team) -> None:
    """Row by row, in every table of a release."""
    whole_story(request_5a, team)

    for model in filled():
        row: Any = model._base_manager.order_by("pk")[0]
        rows, name = model._base_manager.filter(pk=row.pk), column_to_change(model)
        before = getattr(row, name)
        with without_triggers():
            rows.update(**{name: changed(before)})
            found = wrong_rows_of_releases()
            rows.update(**{name: before})

        assert found == [(f"{model._meta.db_table}:{row.pk}", "altered")]


def test_a_forged_state_does_not_follow_from_the_chain(request_5a: ReleaseRequest, team: Team) -> None:
    """Somebody without triggers in their way writes a GO by hand: it shows."""
    with without_triggers():
        ReleaseRequest.objects.filter(pk=request_5a.pk).update(state="GO")

    assert wrong_rows_of_releases() == [(f"console_releaserequest:{request_5a.pk}", "altered")]

"""Letting time pass for tests: rows are moved into the past, with the triggers that forbid it out of the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from console.kernel import triggers
from console.models import Condition, Decision, ReleaseRequest, Waiver

LONG = timedelta(days=60)


@contextmanager
def without_triggers() -> Iterator[None]:
    """What somebody with the database in their hands could do."""
    triggers.drop()
    try:
        yield
    finally:
        triggers.install()


def expire(request: ReleaseRequest) -> None:
    """The request was opened two months ago."""
    _age(request, "opened_at", "deadline_at")


def outlive(decision: Decision) -> None:
    """The decision was made two months ago."""
    _age(decision, "decided_at", "valid_until")


def expire_waiver(waiver: Waiver) -> None:
    """The waiver was asked for two months ago."""
    _age(waiver, "requested_at", "expires_at")


def make_overdue(condition: Condition) -> None:
    """The condition was due yesterday."""
    with without_triggers():
        yesterday = (timezone.now() - timedelta(days=1)).date()
        Condition.objects.filter(pk=condition.pk).update(due_date=yesterday)
    condition.refresh_from_db()


def _age(row: Any, *fields: str) -> None:
    with without_triggers():
        type(row).objects.filter(pk=row.pk).update(**{name: F(name) - LONG for name in fields})
    row.refresh_from_db()

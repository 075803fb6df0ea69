"""The checks of the settings: ours pass, and each dangerous change is named."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from testruns.checks import check_database, check_queue


def test_the_settings_of_the_product_pass() -> None:
    """Otherwise nothing would start."""
    assert check_queue() == []
    assert check_database() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("workers", 2, "E001"),
        ("queue_limit", 4, "E002"),
        ("bulk", 10, "E002"),
        ("timeout", 3600, "E003"),
        ("timeout", None, "E003"),
        ("retry", 15_000, "E004"),
        ("ack_failures", False, "E005"),
        ("max_attempts", 0, "E005"),
        ("catch_up", True, "E006"),
        ("guard_cycle", 0.4, "E007"),
        ("orm", "other", "E008"),
    ],
)
def test_a_queue_that_could_lose_or_double_an_execution_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object, code: str
) -> None:
    """One setting changed, one message that names it."""
    cluster: dict[str, Any] = settings.Q_CLUSTER
    monkeypatch.setitem(cluster, name, value)

    assert f"testruns.{code}" in [message.id for message in check_queue()]


@pytest.mark.parametrize(
    ("name", "value"),
    [("transaction_mode", "DEFERRED"), ("timeout", 2), ("init_command", "PRAGMA journal_mode=WAL")],
)
def test_a_database_that_fails_or_forgets_under_load_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    """DEFERRED fails at once under contention, and a commit that is not durable is none."""
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], name, value)

    assert [message.id for message in check_database()] == ["testruns.E009"]

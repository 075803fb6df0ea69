"""System checks: settings of queue and database under which an execution could run twice, be lost or be cut off.

Every value here was learned from an experiment with django-q2 (a wrong one loses or doubles tasks without an error), so
a changed setting is refused at start instead of being found out by a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from testruns.actions.limits import DEADLINE_SECONDS_MAX, MACHINE_WAIT_SECONDS

TIMEOUT_SECONDS_MIN = DEADLINE_SECONDS_MAX + int(MACHINE_WAIT_SECONDS) + 600
GUARD_CYCLES = (0.25, 0.5, 1)
"""django-q counts its timer down by this step and tests it for exactly 0: other steps never meet it."""


def check_queue(**_: Any) -> list[CheckMessage]:
    """The queue's settings, one message for each that would break a promise about executions."""
    cluster: Mapping[str, Any] = settings.Q_CLUSTER
    timeout = cluster.get("timeout") or 0
    promises = (
        ("E001", cluster.get("workers") == 1, "workers must be 1: load must not disturb load"),
        ("E002", cluster.get("queue_limit") == 1 and cluster.get("bulk") == 1, "queue_limit and bulk must be 1"),
        ("E003", timeout >= TIMEOUT_SECONDS_MIN, f"timeout must be at least {TIMEOUT_SECONDS_MIN} s"),
        ("E004", (cluster.get("retry") or 0) >= 2 * timeout, "retry must be at least twice the timeout"),
        (
            "E005",
            cluster.get("ack_failures") is True and cluster.get("max_attempts") == 1,
            "ack_failures must be True and max_attempts 1, or a failed task comes again",
        ),
        ("E006", cluster.get("catch_up") is False, "catch_up must be False"),
        ("E007", cluster.get("guard_cycle", 0.5) in GUARD_CYCLES, f"guard_cycle must be one of {GUARD_CYCLES}"),
        ("E008", cluster.get("orm") == "default", "the queue must use the same database as the rows (orm: default)"),
    )
    return [_error(code, f"Q_CLUSTER: {text}.") for code, is_kept, text in promises if not is_kept]


def check_database(**_: Any) -> list[CheckMessage]:
    """SQLite must begin transactions as writers, wait for locks, and make commits durable."""
    database: Mapping[str, Any] = settings.DATABASES["default"]
    if "sqlite3" not in database["ENGINE"]:
        return []
    options = database.get("OPTIONS", {})
    pragmas = options.get("init_command", "").replace(" ", "").lower()
    is_safe = (
        options.get("transaction_mode") == "IMMEDIATE"
        and (options.get("timeout") or 0) >= 20
        and "journal_mode=wal" in pragmas
        and "synchronous=full" in pragmas
    )
    text = "SQLite needs transaction_mode IMMEDIATE, a timeout of 20 s, journal_mode WAL and synchronous FULL."
    return [] if is_safe else [_error("E009", text)]


def _error(code: str, text: str) -> CheckMessage:
    return Error(text, id=f"testruns.{code}")

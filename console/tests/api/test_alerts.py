"""The shipped alert rules, evaluated by Prometheus' own program: silent while all is well, each fires on its fault.

`promtool` comes with Debian's package `prometheus`; without it these tests are skipped, and CI installs it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from django.test import Client

from console.api import metrics

PROMTOOL: Final = shutil.which("promtool")
RULES: Final = Path(metrics.__file__).with_name("alerts.yml")
MINUTES: Final = 40  # longer than any rule waits before it fires
HEALTHY: Final = {
    'up{job="gatehouse"}': 1,
    'gatehouse_scrape_success{part="runs"}': 1,
    'gatehouse_journal_state{state="normal"}': 1,
    'gatehouse_journal_state{state="degraded"}': 0,
    'gatehouse_journal_state{state="read_only"}': 0,
    'gatehouse_journal_state{state="poisoned"}': 0,
    'gatehouse_journal_state{state="unreadable"}': 0,
    "gatehouse_journal_warnings": 0,
    "gatehouse_credit_imbalance_credits": 0,
    "gatehouse_storage_free_bytes": 50,
    "gatehouse_storage_size_bytes": 100,
    "gatehouse_storage_write_blocked": 0,
    "gatehouse_worker_up": 1,
    "gatehouse_queue_stuck": 0,
    "gatehouse_queue_oldest_wait_seconds": 60,
    "gatehouse_governance_relay_up": 1,
    "gatehouse_governance_relay_pending_entries": 0,
    "gatehouse_mail_failed": 0,
    "gatehouse_karma_breakers_open": 0,
    'gatehouse_release_in_force{phase="5a"}': 1,
    'gatehouse_release_valid_until_timestamp_seconds{phase="5a"}': 30 * 86_400,  # the clock of promtool begins at 0
    'gatehouse_release_lapsed{phase="5a"}': 0,
    'gatehouse_release_conditions_overdue{phase="5a"}': 0,
}
FAULTS: Final[list[tuple[str, str, float]]] = [
    ("GatehouseDown", 'up{job="gatehouse"}', 0),
    ("GatehousePartUnreadable", 'gatehouse_scrape_success{part="runs"}', 0),
    ("GatehouseJournalRefusesOrders", 'gatehouse_journal_state{state="read_only"}', 1),
    ("GatehouseJournalRefusesOrders", 'gatehouse_journal_state{state="poisoned"}', 1),
    ("GatehouseJournalRefusesOrders", 'gatehouse_journal_state{state="unreadable"}', 1),
    ("GatehouseJournalDegraded", 'gatehouse_journal_state{state="degraded"}', 1),
    ("GatehouseJournalNeedsAttention", "gatehouse_journal_warnings", 1),
    ("GatehouseLedgerOutOfBalance", "gatehouse_credit_imbalance_credits", -0.000001),
    ("GatehouseStorageNearlyFull", "gatehouse_storage_free_bytes", 9),
    ("GatehouseStorageWriteBlocked", "gatehouse_storage_write_blocked", 1),
    ("GatehouseWorkerSilent", "gatehouse_worker_up", 0),
    ("GatehouseQueueStuck", "gatehouse_queue_stuck", 1),
    ("GatehouseQueueLong", "gatehouse_queue_oldest_wait_seconds", 7201),
    ("GatehouseGovernanceRelayBehind", "gatehouse_governance_relay_up", 0),
    ("GatehouseGovernanceRelayBehind", "gatehouse_governance_relay_pending_entries", 1),
    ("GatehouseMailStuck", "gatehouse_mail_failed", 1),
    ("GatehouseKarmaBreakerOpen", "gatehouse_karma_breakers_open", 1),
    ("GatehouseReleaseEndsSoon", 'gatehouse_release_valid_until_timestamp_seconds{phase="5a"}', 3 * 86_400),
    ("GatehouseReleaseLapsed", 'gatehouse_release_lapsed{phase="5a"}', 1),
    ("GatehouseConditionOverdue", 'gatehouse_release_conditions_overdue{phase="5a"}', 1),
]
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="no promtool here: it comes with the package prometheus")


def promtool(*arguments: str, standard_input: str = "") -> str:
    """Run it; what it prints. Fails the test with that when it does not end with 0."""
    assert PROMTOOL is not None
    ended = subprocess.run([PROMTOOL, *arguments], input=standard_input, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def case(fired: list[str], changed: dict[str, float]) -> dict[str, Any]:
    """Everything healthy but what is changed: which alerts fire at the end."""
    series = [{"series": name, "values": f"{value}x{MINUTES}"} for name, value in (HEALTHY | changed).items()]
    firing = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": f"{MINUTES}m",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in fired],
    }
    return {"name": str(changed), "interval": "1m", "input_series": series, "promql_expr_test": [firing]}


def test_every_alert_has_its_planted_fault() -> None:
    """A new rule without one fails here, with or without promtool."""
    named = [rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]

    assert sorted({alert for alert, _series, _value in FAULTS}) == sorted(named)


@needs_promtool
def test_each_alert_fires_on_its_fault_and_no_other_does(tmp_path: Path) -> None:
    """And none of them while all is well."""
    faults = [case([alert], {series: value}) for alert, series, value in FAULTS]
    tests = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case([], {}), *faults]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))

    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "tests.yml"))


@needs_promtool
def test_the_rules_are_what_prometheus_loads() -> None:
    """Without a complaint, a name taken twice included."""
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", str(RULES))


@needs_promtool
@pytest.mark.django_db
def test_names_types_and_help_are_as_prometheus_wants_them(tmp_path: Path, settings: Any) -> None:
    """Its own check of a scrape finds nothing."""
    settings.STORAGE = tmp_path

    assert promtool("check", "metrics", standard_input=Client().get("/metrics").content.decode()) == ""

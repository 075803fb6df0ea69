"""`/metrics`: figures that are true, names and units as Prometheus has them, and alert rules over what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from console.api import metrics
from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.models import Phase
from console.tests.api_client import api_client
from console.tests.people import person_with
from ledger import commands
from ledger.actions import close_live_ledger, live_ledger
from testruns.recommendation import Recommendation
from testruns.run_states import ExecutionState, RunState

pytestmark = pytest.mark.django_db
RULES = Path(metrics.__file__).with_name("alerts.yml")
FOREIGN = {"up"}
WORD = re.compile(r"[a-z_][a-z0-9_]*")
KNOWN_LABELS: dict[str, set[str]] = {
    "part": set(metrics.PARTS),
    "account": {"system:issuance", "system:consumption", "system:withdrawal", "system:reward", "agents"},
    "recommendation": {word.value for word in Recommendation},
}


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A storage with a live journal in which ann spent 30 of her 115 credits."""
    close_live_ledger()
    settings.STORAGE = tmp_path
    ledger = live_ledger()
    spend = commands.Consume(agent="ann", amount_micros=30_000_000, reason="work")
    for number, order in enumerate((commands.CreateAgent(agent="ann"), spend)):
        ledger.execute(order, key=f"k-{number}", actor="user:1", correlation="c")
    yield tmp_path
    close_live_ledger()


def scrape(client: Client | None = None, **extra: Any) -> dict[str, Metric]:
    """The families by name."""
    answer = (client or Client()).get("/metrics", **extra)
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.content.decode())}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    """The one sample with these labels."""
    (found,) = (sample.value for sample in families[name].samples if sample.labels == labels)
    return float(found)


def rules() -> list[dict[str, Any]]:
    """The shipped alert rules."""
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_the_figures_are_those_of_the_journal_and_the_rows() -> None:
    """Nothing is counted by the process that answers."""
    found = scrape()

    assert value(found, "gatehouse_journal_events") == live_ledger().head.seq
    assert value(found, "gatehouse_credit_agents") == 1
    assert value(found, "gatehouse_credit_balance_credits", account="agents") == 85
    assert value(found, "gatehouse_credit_balance_credits", account="system:consumption") == 30
    assert value(found, "gatehouse_credit_imbalance_credits") == 0
    assert value(found, "gatehouse_journal_state", state="normal") == 1
    assert value(found, "gatehouse_worker_up") == 0
    assert {sample.value for sample in found["gatehouse_scrape_success"].samples} == {1}


def test_names_and_units_follow_the_conventions() -> None:
    """One prefix, base units, counters as totals, a help text for each."""
    answer = Client().get("/metrics")
    found = scrape()

    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    for family in found.values():
        assert re.fullmatch(r"gatehouse_[a-z_]+[a-z]", family.name)
        assert family.documentation.endswith(".")
        assert (family.type == "counter") is any(sample.name.endswith("_total") for sample in family.samples)
        assert not re.search(r"_(ms|us|micros|percent|minutes|mb|kb)$", family.name)


def test_labels_come_from_fixed_lists() -> None:
    """Whatever clients name, the number of series stays as it is."""
    known = KNOWN_LABELS | {
        "state": {state.value for state in (*RunState, *ExecutionState)} | set(metrics.JOURNAL_STATES),
        "phase": set(Phase.objects.values_list("code", flat=True)),
    }
    before = scrape()
    live_ledger().execute(commands.CreateAgent(agent='"}{ # HELP'), key="k-9", actor="user:1", correlation="c")
    after = scrape()

    samples = [sample for family in after.values() for sample in family.samples]
    assert [(s.name, n) for s in samples for n, v in s.labels.items() if v not in known[n]] == []
    assert len(samples) == sum(len(family.samples) for family in before.values())


def test_a_part_that_cannot_be_read_is_named_and_the_others_are_there() -> None:
    """The database is gone, the journal is not."""

    def gone(*_: object) -> Any:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(gone):
        found = scrape()

    assert value(found, "gatehouse_scrape_success", part="runs") == 0
    assert value(found, "gatehouse_scrape_success", part="journal") == 1
    assert value(found, "gatehouse_journal_events") == live_ledger().head.seq


def test_a_damaged_journal_shows_in_its_state(storage: Path) -> None:
    """And only the part that cannot be read is missing."""
    close_live_ledger()
    (storage / "events" / "credits" / "journal.json").write_text("no facts")

    found = scrape()

    assert value(found, "gatehouse_journal_state", state="unreadable") == 1
    assert value(found, "gatehouse_scrape_success", part="credits") == 0
    assert "gatehouse_storage_free_bytes" in found


@pytest.mark.parametrize(
    "how",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"headers": {"X-Forwarded-For": "192.0.2.7"}},
        {"headers": {"X-Forwarded-Proto": "https"}},
        {"headers": {"Forwarded": "for=192.0.2.7"}},
        {"headers": {"Via": "1.1 proxy"}},
    ],
)
def test_from_elsewhere_it_takes_a_token_that_reads_runs(how: dict[str, Any]) -> None:
    """Also when a proxy on this machine passes it on."""
    assert Client().get("/metrics", **how).status_code == 401
    other = api_client(person_with(Role.AUDITOR), Scope.CREDITS_READ)
    assert other.get("/metrics", **how).json()["code"] == "scope-missing"
    assert scrape(api_client(person_with(Role.AUDITOR), Scope.RUNS_READ), **how)


def test_in_production_nobody_is_local(settings: Any) -> None:
    """There a proxy stands before the console, on this machine."""
    settings.PRODUCTION = True

    assert Client().get("/metrics").status_code == 401


def test_a_scraper_that_asks_for_open_metrics_gets_them() -> None:
    """As newer Prometheus servers do."""
    answer = Client().get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.content.decode().endswith("# EOF\n")


def test_every_alert_rule_names_metrics_and_labels_that_exist() -> None:
    """A rule over a name nobody exports would never fire."""
    found = scrape()
    exported = {sample.name for family in found.values() for sample in family.samples} | set(found)
    exported.add("gatehouse_release_valid_until_timestamp_seconds")  # there while a phase is released
    words = {"and", "or", "time", "job", "state", "gatehouse", "phase", *metrics.JOURNAL_STATES}

    assert len(rules()) >= 10
    for rule in rules():
        named = set(WORD.findall(rule["expr"])) - words
        assert named, rule
        assert named <= exported | FOREIGN, rule["alert"]


def test_every_alert_rule_says_whom_it_calls_what_it_is_and_what_to_do() -> None:
    """With a name of its own."""
    assert len({rule["alert"] for rule in rules()}) == len(rules())
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.fullmatch(r"[0-9]+[smh]", rule.get("for", "0s"))

"""`/metrics` for Prometheus: computed at each scrape from rows, the journal's head and the disk; nothing is counted.

So every server process says the same, and a restart loses nothing. Labels come from fixed lists (states, words, system
accounts, phases of the roadmap), never from what clients name. `alerts.yml` beside this file holds rules over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from prometheus_client.core import CollectorRegistry, CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from rest_framework.request import Request

from console.kernel import audit, governance_journal
from console.kernel.api.authentication import source_of
from console.kernel.api.views import ApiView
from console.kernel.errors import GatehouseError
from console.kernel.scopes import Scope
from console.models import Phase
from console.notifications.postbag import postbag
from console.releases import standing_of_phase
from console.releases.board import lapses
from ledger import MICROS_PER_CREDIT, PPM, LedgerError
from ledger.condition import disk_room, live_condition
from ledger.figures import live_figures
from testruns.actions.queueing import is_worker_alive, queue_is_stuck
from testruns.models import Run, ScenarioExecution
from testruns.recommendation import Recommendation
from testruns.run_states import ExecutionState, RunState

LOOPBACK = frozenset({"127.0.0.1", "::1"})
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")
JOURNAL_STATES = ("normal", "degraded", "read_only", "poisoned", "unreadable")

Families = Iterator[Metric]


class MetricsView(ApiView):
    """The metrics, for a token with `runs:read`, or for whoever is on this machine.

    Figures of a console are nobody else's business: they tell what is released, when, and how busy it is. A scraper on
    the same machine needs no token outside of production, where a proxy on this machine makes everybody look local.
    """

    scope = Scope.RUNS_READ

    def authorise(self, request: Request) -> None:
        """Let this machine in, otherwise ask for the token. Raises `Problem` or a refusal."""
        if not is_local(request._request):
            super().authorise(request)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """In the format that the scraper asks for: Prometheus text or OpenMetrics."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        registry = CollectorRegistry()
        registry.register(Figures())
        return HttpResponse(encode(registry), content_type=content_type, headers={"Cache-Control": "no-store"})


def is_local(request: HttpRequest) -> bool:
    """Whether the request was made on this machine and nobody passed it on."""
    is_passed_on = any(name in request.headers for name in FORWARDED)
    return not settings.PRODUCTION and not is_passed_on and source_of(request) in LOOPBACK


class Figures(Collector):
    """Every metric, part by part; a part that cannot be read is missing, and `gatehouse_scrape_success` says which."""

    def collect(self) -> Iterable[Metric]:
        """The families of every part."""
        success = GaugeMetricFamily("gatehouse_scrape_success", "1 when this part could be read.", labels=["part"])
        for part, read in PARTS.items():
            try:
                families = list(read())
            except (DatabaseError, GatehouseError, LedgerError, OSError):
                families = []
            success.add_metric([part], bool(families))
            yield from families
        yield success


def journal() -> Families:
    """The live journal: whether it takes orders."""
    found = live_condition()
    state = GaugeMetricFamily("gatehouse_journal_state", "1 for the state that the journal is in.", labels=["state"])
    for name in JOURNAL_STATES:
        state.add_metric([name], name == found.state)
    yield state
    yield _gauge("gatehouse_journal_warnings", "What somebody should look at in the journal.", len(found.warnings))


def accounts() -> Families:
    """The credits in it."""
    found = live_figures()
    yield CounterMetricFamily("gatehouse_journal_events", "Durable events in the journal.", value=found.head.seq)
    yield _gauge(
        "gatehouse_journal_last_event_timestamp_seconds",
        "When the last event was recorded.",
        datetime.fromisoformat(found.last_event_at).timestamp(),
    )
    yield _gauge("gatehouse_journal_segments", "Segment files of the journal.", found.segments)
    yield _gauge("gatehouse_journal_size_bytes", "What the segments take on the disk.", found.bytes)
    yield _gauge("gatehouse_credit_agents", "Agents that hold credits.", found.agents)
    balance = GaugeMetricFamily(
        "gatehouse_credit_balance_credits", "Balance of the system accounts and of all agents.", labels=["account"]
    )
    for account, micros in found.balances_micros.items():
        balance.add_metric([account], micros / MICROS_PER_CREDIT)
    yield balance
    imbalance = "All balances added up, in micro-credits as integers; anything but 0 is an error of the ledger."
    yield _gauge("gatehouse_credit_imbalance_credits", imbalance, found.sum_micros / MICROS_PER_CREDIT)
    yield _gauge("gatehouse_credit_approvals_pending", "Approvals that wait for people.", found.pending_approvals)
    yield _gauge("gatehouse_karma_breakers_open", "KARMA endpoints whose breaker is open.", found.open_breakers)
    if found.eoc.ci_ppm is not None:
        yield _gauge("gatehouse_ci_score_ratio", "Edge-of-chaos score, 0 to 1.", found.eoc.ci_ppm / PPM)


def runs() -> Families:
    """Runs, and the queue."""
    yield _counts("gatehouse_runs", "Runs by state.", "state", Run, "state", [state.value for state in RunState])
    words = [word.value for word in Recommendation]
    help_text = "Runs by recommendation."
    yield _counts("gatehouse_runs_recommended", help_text, "recommendation", Run, "recommendation", words)
    states = [state.value for state in ExecutionState]
    help_text = "Scenario executions by state."
    yield _counts("gatehouse_scenario_executions", help_text, "state", ScenarioExecution, "state", states)
    last = Run.objects.aggregate(at=Max("finished_at"))["at"]
    if last is not None:
        yield _gauge("gatehouse_run_last_finished_timestamp_seconds", "When a run last ended.", last.timestamp())
    queued = ScenarioExecution.objects.filter(state=ExecutionState.QUEUED.value)
    since = queued.aggregate(at=Min("queued_at"))["at"]
    waited = (datetime.now(UTC) - since).total_seconds() if since is not None else 0
    yield _gauge("gatehouse_queue_oldest_wait_seconds", "How long the oldest execution waits; 0 for none.", waited)
    yield _gauge("gatehouse_queue_stuck", "1 when work waits on an idle machine.", queue_is_stuck())
    yield _gauge("gatehouse_worker_up", "1 when the task worker gave a sign of life.", is_worker_alive())


def governance() -> Families:
    """The audit chain and the journal that follows it."""
    yield CounterMetricFamily("gatehouse_audit_entries", "Entries of the audit chain.", value=audit.head().index)
    state = governance_journal.state()
    is_up = state.is_begun and not state.is_behind
    yield _gauge("gatehouse_governance_relay_up", "1 while the governance journal follows the audit chain.", is_up)
    pending = "Entries of the audit chain that the governance journal lacks."
    yield _gauge("gatehouse_governance_relay_pending_entries", pending, state.pending)


def mail() -> Families:
    """E-mails that are to be sent."""
    found = postbag()
    yield _gauge("gatehouse_mail_waiting", "E-mails that are to be sent.", found.waiting)
    yield _gauge("gatehouse_mail_failed", "Of them, those that were tried and not sent yet.", found.failed)


def releases() -> Families:
    """The phases that people release."""
    now = datetime.now(UTC)
    in_force = GaugeMetricFamily("gatehouse_release_in_force", "1 while a release holds.", labels=["phase"])
    until = GaugeMetricFamily(
        "gatehouse_release_valid_until_timestamp_seconds", "When a release of this phase ends.", labels=["phase"]
    )
    lapsed = GaugeMetricFamily(
        "gatehouse_release_lapsed", "1 while a release has lapsed and nothing has replaced it.", labels=["phase"]
    )
    conditions = GaugeMetricFamily(
        "gatehouse_release_conditions_open", "Open conditions of the phase's release.", labels=["phase"]
    )
    overdue = GaugeMetricFamily(
        "gatehouse_release_conditions_overdue",
        "Open conditions past their day.",
        labels=["phase"],
    )
    over = {one.phase for one in lapses(now=now)}
    for phase in Phase.objects.exclude(state=Phase.State.ACTIVE).order_by("position"):
        lapsed.add_metric([phase.code], phase.code in over)
        found = standing_of_phase(phase, now=now)
        late = [one for one in found.open_conditions if one.due_date < now.date()]
        in_force.add_metric([phase.code], found.opens)
        conditions.add_metric([phase.code], len(found.open_conditions))
        overdue.add_metric([phase.code], len(late))
        if found.valid_until is not None:
            until.add_metric([phase.code], found.valid_until.timestamp())
    yield from (in_force, until, lapsed, conditions, overdue)


def storage() -> Families:
    """The disk."""
    room = disk_room()
    yield _gauge("gatehouse_storage_size_bytes", "Size of the file system of the journals.", room.size_bytes)
    yield _gauge("gatehouse_storage_free_bytes", "What is free on it.", room.free_bytes)
    yield _gauge("gatehouse_storage_write_blocked", "1 while no order is taken for lack of room.", room.is_blocked)


PARTS: dict[str, Callable[[], Families]] = {
    "journal": journal,
    "credits": accounts,
    "runs": runs,
    "governance": governance,
    "mail": mail,
    "releases": releases,
    "storage": storage,
}


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _counts(
    name: str, help_text: str, label: str, model: type[Run] | type[ScenarioExecution], column: str, words: list[str]
) -> GaugeMetricFamily:
    """How many rows have each of these words in the column; a word nobody has counts 0."""
    found = dict(model._default_manager.order_by().values_list(column).annotate(count=Count("pk")))
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for word in words:
        family.add_metric([word], found.get(word, 0))
    return family

"""ml_chaos: amounts far outside the usual, noise, drift and a queue gone wild; marked, never blocked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ledger import gettext_noop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.audit import Expectation
from testruns.scenarios.stage.closing import LiveState, ask_state, audit
from testruns.scenarios.stage.context import ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, HostDied, hosts_of
from testruns.scenarios.stage.measures import AUDIT_MEASURES, CRASHES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.queue import ORDINARY, QueueSamples, depths
from testruns.scenarios.stage.registry import MeasurementSpec, scenario
from testruns.units import MILLIONTHS, PPM

AGENTS: Final = ("steady", "noisy", "drifting", "plain")
INITIAL_MICROS: Final = 1_000_000 * orders.MICROS
NORMAL_MICROS: Final = 50 * orders.MICROS
STEADY: Final = 20
OUTLIERS: Final = (500, 750, 1000)
"""Credits: ten times the usual 50 and more."""
NOISY: Final = 60
DRIFTING: Final = 150
PLAIN: Final = 600


@scenario(
    code="ml_chaos",
    position=5,
    title=gettext_noop("Chaos in the amounts"),
    help=gettext_noop(
        "Twenty usual orders of 50 credits, then 500 and more, then a usual one; outliers inside noise; a slow drift; "
        "and a long plain stream in which nothing is unusual. What is far outside has to be marked, in the answer and "
        "in the journal, and must go through. Meanwhile the queue is sampled: first ordinary, then with a burst that "
        "drives the CI score above 0.85, then ordinary again, when the throttle has to come back to 1 within 20 "
        "samples and stay."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        CRASHES,
        counted("operations_failed", gettext_noop("Orders that did not succeed.")),
        counted("anomalies_marked", gettext_noop("Outliers marked in the answer and in the journal.")),
        counted("anomalies_missed", gettext_noop("Outliers that went through without a mark.")),
        counted("anomalies_blocked", gettext_noop("Outliers that did not go through.")),
        MeasurementSpec(
            name="false_positive_ppm", unit=PPM, help=gettext_noop("Share of usual orders that were marked.")
        ),
        MeasurementSpec(
            name="ci_ppm_min", unit=MILLIONTHS, help=gettext_noop("Lowest CI score while the queue was ordinary.")
        ),
        MeasurementSpec(
            name="ci_ppm_max", unit=MILLIONTHS, help=gettext_noop("Highest CI score while the queue was ordinary.")
        ),
        MeasurementSpec(
            name="ci_drift_ppm_max",
            unit=MILLIONTHS,
            help=gettext_noop("Largest difference between the recorded CI score and the one computed from the queue."),
        ),
        counted(
            "throttle_recovered",
            gettext_noop("1 when the multiplier was cut in the burst, came back to 1 within 20 samples and stayed."),
        ),
    ),
    base_seconds=3,
)
def run(context: ScenarioContext) -> None:
    """Disturb the ledger, then audit."""
    report = context.report
    samples = QueueSamples()
    crashes = 0
    live: LiveState | None = None
    arguments: dict[str, Any] = {"seed": context.seed, "anomalies": context.anomaly_injection}
    with hosts_of(context) as hosts:
        member = hosts.start(name="chaos-0", part=disturb, arguments=arguments)
        hosts.await_all("ready", seconds=START_SECONDS_MAX)
        report.progress(fraction=0.2, text=gettext_noop("Spending usual and unusual amounts"))
        with context.load():
            try:
                member.send(type="go")
                crashes = hosts.await_all("result")[0]["crashes"]
            except HostDied:
                crashes += 1
        if not crashes:
            live = ask_state(hosts, member)
            hosts.end_all()
    report.progress(fraction=0.8, text=gettext_noop("Reading the journal back"))
    expectations = audit(context, live=live, observe=samples.note).expectations
    planned = [operation.correlation for operation in plan_of(**arguments)]
    done = {correlation for correlation in planned if correlation in expectations and expectations[correlation].is_done}
    report.measure("crashes", crashes)
    report.measure("operations_failed", len(planned) - len(done))
    _measure_marks(context, planned, done, expectations, samples.marked)
    _measure_queue(context, samples)


def _measure_marks(
    context: ScenarioContext,
    planned: Sequence[str],
    done: set[str],
    expectations: Mapping[str, Expectation],
    marked: set[str],
) -> None:
    """Marks count when answer and journal agree; a usual order counts as marked when either says so."""
    outliers = [name for name in planned if name.startswith("outlier:")]
    usual = [name for name in planned if name.startswith("usual:") and name in done]
    answered = {name for name in done if expectations[name].is_marked}
    if usual:
        false_marks = sum(name in marked or name in answered for name in usual)
        context.report.measure("false_positive_ppm", false_marks * 1_000_000 // len(usual))
    if not context.anomaly_injection:
        return
    right_marks = sum(name in marked and name in answered for name in outliers)
    context.report.measure("anomalies_marked", right_marks)
    context.report.measure("anomalies_blocked", sum(name not in done for name in outliers))
    context.report.measure("anomalies_missed", sum(name in done for name in outliers) - right_marks)


def _measure_queue(context: ScenarioContext, samples: QueueSamples) -> None:
    report = context.report
    scores = samples.scores_of(ORDINARY)
    if scores:
        report.measure("ci_ppm_min", min(scores))
        report.measure("ci_ppm_max", max(scores))
        report.measure("ci_drift_ppm_max", samples.drift_ppm_max)
    if scores and context.anomaly_injection:
        report.measure("throttle_recovered", int(samples.has_recovered()))


def disturb(host: Host) -> None:
    """A host's part: everything in one thread, so that the order is the plan's."""
    ledger = host.open()
    with host.caller(ledger) as caller:
        caller.set_up(orders.create_agent(agent, micros=INITIAL_MICROS) for agent in AGENTS)
        host.tell(type="ready")
        host.wait_for("go")
        for operation in plan_of(**host.arguments):
            caller.ask(operation)
    host.tell(type="result", crashes=caller.crash_count)
    host.serve(ledger)
    ledger.close()


def plan_of(*, seed: int, anomalies: bool) -> Iterator[Operation]:
    """All operations in order.

    Amounts with queue samples between them, then the burst and the recovery of the queue.
    """
    queue = depths(seed=seed)
    samples = iter(
        orders.sample_queue(f"queue:{phase}:{number}", depth=depth) for number, (phase, depth) in enumerate(queue)
    )
    ordinary = sum(phase == ORDINARY for phase, _ in queue)
    spending = list(_spending(seed=seed, has_outliers=anomalies))
    between = len(spending) // ordinary
    for number, operation in enumerate(spending):
        yield operation
        if number % between == 0 and number // between < ordinary:
            yield next(samples)
    if anomalies:
        yield from samples


def _spending(*, seed: int, has_outliers: bool) -> Iterator[Operation]:
    yield from _steady(has_outliers=has_outliers)
    yield from _noisy(seed=seed, has_outliers=has_outliers)
    yield from _drifting(seed=seed)
    chance = seeded(seed, "ml_chaos", "plain")
    for number in range(PLAIN):
        yield _usual("plain", number, int(30 * orders.MICROS * chance.lognormvariate(0, 0.4)))


def _steady(*, has_outliers: bool) -> Iterator[Operation]:
    for number in range(STEADY):
        yield _usual("steady", number, NORMAL_MICROS)
    if has_outliers:
        for number, amount in enumerate(OUTLIERS):
            yield _outlier("steady", number, amount * orders.MICROS)
    yield _usual("steady", STEADY, NORMAL_MICROS)


def _noisy(*, seed: int, has_outliers: bool) -> Iterator[Operation]:
    chance = seeded(seed, "ml_chaos", "noisy")
    places = set(chance.sample(range(STEADY, NOISY), len(OUTLIERS)))
    for number in range(NOISY):
        yield _usual("noisy", number, int(NORMAL_MICROS * chance.uniform(0.8, 1.2)))
        if has_outliers and number in places:
            yield _outlier("noisy", number, chance.choice(OUTLIERS) * orders.MICROS)


def _drifting(*, seed: int) -> Iterator[Operation]:
    """From 50 to 150 credits, little by little: at no point is an amount far from the last ones."""
    chance = seeded(seed, "ml_chaos", "drifting")
    for number in range(DRIFTING):
        level = NORMAL_MICROS * (1 + 2 * number / DRIFTING)
        yield _usual("drifting", number, int(level * chance.uniform(0.95, 1.05)))


def _usual(agent: str, number: int, micros: int) -> Operation:
    return orders.consume(f"usual:{agent}:{number}", agent=agent, micros=micros, reason="usual work")


def _outlier(agent: str, number: int, micros: int) -> Operation:
    return orders.consume(f"outlier:{agent}:{number}", agent=agent, micros=micros, reason="far outside the usual")

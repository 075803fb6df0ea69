"""load_reality: a mixed workload at a fixed rate, for as long as the plan says, watched for memory and drift."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

from ledger import Ledger, gettext_noop
from testruns.load import Histogram, open_loop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.caller import Caller
from testruns.scenarios.stage.closing import ask_state, audit
from testruns.scenarios.stage.context import Reading, ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, Message, hosts_of
from testruns.scenarios.stage.measures import AUDIT_MEASURES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.registry import MeasurementSpec, scenario
from testruns.trend import POINTS_MIN, theil_sen
from testruns.units import MEGABYTES_PER_MINUTE, MICROSECONDS, OPERATIONS_PER_SECOND, PPM, SECONDS

AGENTS: Final = 20
INITIAL_MICROS: Final = 10_000 * orders.MICROS
BYTES_PER_OPERATION: Final = 450
SEALS_AIMED_AT: Final = 20
SEGMENT_BYTES_MIN: Final = 8 * 1024
RETRY_SHARE: Final = 0.05
KINDS: Final = ("consume", "refund", "add", "transfer", "regenerate", "sample", "balance", "accounts")
WEIGHTS: Final = (50, 10, 10, 12, 3, 5, 9, 1)
RARE_EVERY: Final = 1000
RARE: Final = {100: "approval", 600: "collaboration"}
"""What leaves something in memory for good comes once in a thousand operations: the state grows with agents only."""
CONFIDENCE: Final = 0.95
BYTES_PER_MEGABYTE: Final = 1_000_000
PROGRESS_SECONDS: Final = 0.5
FINISH_SECONDS_MAX: Final = 120.0
LOOKS_PER_SECOND: Final = 4
"""How often the second process is asked whether it has seen the last order yet."""
LOOK_AGAIN_SECONDS: Final = 0.001
LAG_SECONDS_MAX: Final = 60.0
LAG_PERCENTILES: Final = (("p50", 500_000), ("p95", 950_000), ("p99", 990_000))


@scenario(
    code="load_reality",
    position=7,
    title=gettext_noop("Load as in reality"),
    help=gettext_noop(
        "Spending, refunds, new credits, transfers, regeneration, queue samples and questions, offered at a fixed rate "
        "whether or not the ledger keeps up, so waiting counts from when an operation was due. Segments are small, so "
        "that the journal is sealed many times. Measured over the run's duration: latencies, the trend of memory after "
        "the warm-up, open files, fatigue from the first to the second half, and drift of every balance at the end. A "
        "second process that only reads has the journal open as well: a few times a second it is told of an order that "
        "was just answered, and measured is how long after the answer its own balances have it."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        MeasurementSpec(name="duration_seconds", unit=SECONDS, help=gettext_noop("How long the load lasted.")),
        MeasurementSpec(
            name="offered_rate", unit=OPERATIONS_PER_SECOND, help=gettext_noop("Operations that were due each second.")
        ),
        MeasurementSpec(
            name="memory_slope_low",
            unit=MEGABYTES_PER_MINUTE,
            help=gettext_noop("Lower end of the memory trend's interval."),
        ),
        MeasurementSpec(
            name="memory_slope",
            unit=MEGABYTES_PER_MINUTE,
            help=gettext_noop("Trend of memory after the warm-up (Theil-Sen)."),
        ),
        MeasurementSpec(
            name="memory_slope_high",
            unit=MEGABYTES_PER_MINUTE,
            help=gettext_noop("Upper end of the memory trend's interval."),
        ),
        MeasurementSpec(
            name="degradation_ppm",
            unit=PPM,
            help=gettext_noop("How much slower half of the answers came in the second half of the load."),
        ),
        MeasurementSpec(
            name="projection_lag_p50_us",
            unit=MICROSECONDS,
            help=gettext_noop("Half of the looked-at orders stood in a second process's balances within this time."),
        ),
        MeasurementSpec(
            name="projection_lag_p95_us",
            unit=MICROSECONDS,
            help=gettext_noop("95 percent of them stood there within this time after their answer."),
        ),
        MeasurementSpec(
            name="projection_lag_p99_us",
            unit=MICROSECONDS,
            help=gettext_noop("99 percent of them stood there within this time after their answer."),
        ),
        MeasurementSpec(
            name="projection_lag_max_us", unit=MICROSECONDS, help=gettext_noop("The order that came there last.")
        ),
        counted("projection_looks", gettext_noop("Orders that were looked at in the second process.")),
        counted("seals", gettext_noop("Segments that were sealed.")),
        counted(
            "events_from_snapshot",
            gettext_noop("Events that the last replay took from a snapshot; it has to come to the same state."),
        ),
        counted("open_files_growth", gettext_noop("Files open at the end more than after the warm-up.")),
        counted("repeated_answers", gettext_noop("Orders sent again that got the first answer again.")),
    ),
    base_seconds=3,
    is_swept=True,
    soaks=True,
)
def run(context: ScenarioContext) -> None:
    """Load for the duration, then audit."""
    report = context.report
    operation_count = context.offered_rate * context.duration_seconds
    arguments: dict[str, Any] = {
        "seed": context.seed,
        "retries": context.retry_injection,
        "rate": context.offered_rate,
        "duration_seconds": context.duration_seconds,
        "warmup_seconds": context.warmup_seconds,
        "workers": context.concurrency,
        "segment_bytes": max(SEGMENT_BYTES_MIN, operation_count * BYTES_PER_OPERATION // SEALS_AIMED_AT),
    }
    with hosts_of(context) as hosts:
        member = hosts.start(name="load-0", part=bear, arguments=arguments)
        reader = hosts.start(name="reader-0", part=follow, arguments={})
        hosts.await_all("ready", members=[member], seconds=START_SECONDS_MAX)
        reader.send(type="open")
        hosts.await_all("ready", members=[reader], seconds=START_SECONDS_MAX)
        with context.load():
            started_ns = time.monotonic_ns()
            report.offer_steadily(rate=context.offered_rate, count=operation_count)
            member.send(type="go")
            (result,) = hosts.await_all(
                "result",
                members=[member],
                seconds=context.duration_seconds + FINISH_SECONDS_MAX,
                hear=lambda _member, message: reader.send(**message),
                tick=_progress(context, started_ns),
            )
            reader.send(type="result")
            (seen,) = hosts.await_all("result", members=[reader])
            ended_ns = time.monotonic_ns()
        report.progress(fraction=0.95, text=gettext_noop("Reading the journal back"))
        live = ask_state(hosts, member)
        hosts.end_all()
    audited = audit(context, live=live, takes_snapshot=True)
    _measure_lag(context, seen)
    report.measure("duration_seconds", result["elapsed_ms"] // 1000)
    report.measure("offered_rate", context.offered_rate)
    first, second = (half[0] for half in result["halves"])
    if first and second:
        report.measure("degradation_ppm", (second - first) * 1_000_000 // first)
    report.measure("seals", audited.facts.types["segment.sealed"])
    report.measure("events_from_snapshot", audited.events_from_snapshot)
    if context.retry_injection:
        report.measure("repeated_answers", result["repeated"])
    warm_ns = started_ns + context.warmup_seconds * 1_000_000_000
    _measure_trends(context, list(report.readings(since_ns=warm_ns, until_ns=ended_ns)))


def _progress(context: ScenarioContext, started_ns: int) -> Callable[[], None]:
    told_at = 0.0

    def tick() -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= PROGRESS_SECONDS:
            told_at = now
            elapsed = now - started_ns / 1_000_000_000
            context.report.progress(
                fraction=0.05 + 0.9 * elapsed / context.duration_seconds, text=gettext_noop("Bearing the load")
            )

    return tick


def _measure_lag(context: ScenarioContext, seen: Message) -> None:
    """Nothing is measured when no order fell into the time of a look."""
    lags = Histogram()
    lags.merge_sparse(seen["lags"], max_us=seen["max_us"])
    context.report.measure("projection_looks", lags.count)
    if not lags.count:
        return
    for name, share_ppm in LAG_PERCENTILES:
        context.report.measure(f"projection_lag_{name}_us", lags.percentile_us(share_ppm))
    context.report.measure("projection_lag_max_us", lags.max_us)


def _measure_trends(context: ScenarioContext, readings: Sequence[Reading]) -> None:
    """Nothing is measured before the warm-up is over: the trend of a process that starts says nothing about it."""
    if len(readings) < POINTS_MIN:
        return
    start_ns = readings[0].at_ns
    slope = theil_sen(
        points=[
            ((reading.at_ns - start_ns) / 60_000_000_000, reading.rss_anon_bytes / BYTES_PER_MEGABYTE)
            for reading in readings
        ],
        confidence=CONFIDENCE,
    )
    report = context.report
    report.measure("memory_slope_low", _decimal(slope.low))
    report.measure("memory_slope", _decimal(slope.middle))
    report.measure("memory_slope_high", _decimal(slope.high))
    report.measure("open_files_growth", readings[-1].open_files - readings[0].open_files)


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.4f}")


def bear(host: Host) -> None:
    """A host's part: as many threads as the concurrency, each with its own share of the offered operations."""
    arguments = host.arguments
    ledger = host.open(segment_bytes=arguments["segment_bytes"])
    load = _Load(arguments, tell=host.tell)
    with host.caller(ledger) as caller:
        caller.set_up(orders.create_agent(agent_of(agent), micros=INITIAL_MICROS) for agent in range(AGENTS))
        host.tell(type="ready")
        host.wait_for("go")
        started_ns = time.monotonic_ns()
        open_loop(
            rate=arguments["rate"],
            duration_seconds=arguments["duration_seconds"],
            worker_count=arguments["workers"],
            operate=partial(load.operate, caller, ledger),
        )
        elapsed_ms = (time.monotonic_ns() - started_ns) // 1_000_000
    host.tell(type="result", elapsed_ms=elapsed_ms, halves=load.halves(), repeated=caller.repeated_count)
    host.serve(ledger)
    ledger.close()


def follow(host: Host) -> None:
    """A host's part: a ledger that only reads, asked again and again until it has what the other one has answered."""
    host.wait_for("open")
    ledger = host.open(read_only=True)
    host.tell(type="ready")
    lags = Histogram()
    while (message := host.wait_for("durable", "result"))["type"] == "durable":
        lags.add((_seen_ns(ledger, message["seq"]) - message["at_ns"]) // 1000)
    host.tell(type="result", lags=lags.sparse(), max_us=lags.max_us)
    host.serve(ledger)
    ledger.close()


def _seen_ns(ledger: Ledger, seq: int) -> int:
    """When the state of `ledger` has the event. Raises TimeoutError when it never gets there."""
    deadline = time.monotonic() + LAG_SECONDS_MAX
    while ledger.head.seq < seq:
        if time.monotonic() > deadline:
            raise TimeoutError(f"event {seq} was answered and is not in a reading ledger after {LAG_SECONDS_MAX:g} s")
        time.sleep(LOOK_AGAIN_SECONDS)
    return time.monotonic_ns()


class _Load:
    """What each operation is, and how long the halves of the load took."""

    def __init__(self, arguments: dict[str, Any], *, tell: Callable[..., None]) -> None:
        """`tell` hears now and then of an order that is durable: its last event, and when it was answered."""
        self._tell = tell
        self._look_every = max(1, arguments["rate"] // LOOKS_PER_SECOND)
        self._seed: int = arguments["seed"]
        self._has_retries: bool = arguments["retries"]
        count = arguments["rate"] * arguments["duration_seconds"]
        warm = arguments["rate"] * arguments["warmup_seconds"]
        self._first = warm if warm < count else 0
        self._middle = (self._first + count) // 2
        self._halves = (Histogram(), Histogram())
        self._lock = threading.Lock()

    def operate(self, caller: Caller, ledger: Ledger, number: int, intended_ns: int) -> None:
        """The n-th operation, due at `intended_ns`."""
        chance = seeded(self._seed, "load_reality", number)
        kind = RARE.get(number % RARE_EVERY) or chance.choices(KINDS, weights=WEIGHTS)[0]
        if kind == "balance":
            caller.look(partial(ledger.balance, agent_of(chance.randrange(AGENTS))), intended_ns=intended_ns)
        elif kind == "accounts":
            caller.look(ledger.accounts, intended_ns=intended_ns)
        else:
            for operation in orders_of(number, kind, chance):
                answer = caller.ask(operation, intended_ns=intended_ns)
            if answer is not None and number % self._look_every == 0:
                self._tell(type="durable", seq=answer.events[-1].seq, at_ns=time.monotonic_ns())
        self._note(number, (time.monotonic_ns() - intended_ns) // 1000)
        if self._has_retries and kind == "consume" and chance.random() < RETRY_SHARE:
            caller.ask(operation)

    def halves(self) -> list[list[int]]:
        """Median and 95th percentile of both halves, in microseconds."""
        return [[half.percentile_us(500_000), half.percentile_us(950_000)] for half in self._halves]

    def _note(self, number: int, latency_us: int) -> None:
        if number >= self._first:
            with self._lock:
                self._halves[number >= self._middle].add(latency_us)


def agent_of(number: int) -> str:
    """The name of an agent."""
    return f"load-{number}"


def orders_of(number: int, kind: str, chance: Random) -> list[Operation]:
    """The orders of the n-th operation, one or two that belong together."""
    key, agent = f"load:{number}", agent_of(chance.randrange(AGENTS))
    micros = chance.randint(10 * orders.MICROS, 50 * orders.MICROS)
    match kind:
        case "approval":
            return _approval(key)
        case "collaboration":
            order = _collaboration(key, chance)
        case "refund":
            order = orders.refund(key, agent=agent, micros=micros, reason="load")
        case "add":
            order = orders.add_credits(key, agent=agent, micros=5 * micros, reason="load")
        case "transfer":
            payer, payee = (agent_of(place) for place in chance.sample(range(AGENTS), 2))
            order = orders.transfer(key, payer=payer, payee=payee, micros=micros, reason="load")
        case "regenerate":
            order = orders.regenerate(key, agent=agent)
        case "sample":
            order = orders.sample_queue(key, depth=max(0, round(chance.gauss(13, 6))))
        case _:
            order = orders.consume(key, agent=agent, micros=micros, reason="load")
    return [order]


def _approval(key: str) -> list[Operation]:
    return [
        orders.request_approval(key, requester="load-requester", micros=100 * orders.MICROS),
        orders.decide(f"{key}:decided", request=key, approver="load-decider", is_approval=True),
    ]


def _collaboration(key: str, chance: Random) -> Operation:
    return orders.collaborate(
        key,
        collaboration=key,
        agents=tuple(agent_of(agent) for agent in chance.sample(range(AGENTS), 3)),
        contributions_ppm=(500_000, 300_000, 200_000),
        reward_micros=10 * orders.MICROS,
    )

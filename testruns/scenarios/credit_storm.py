"""credit_storm: many threads and two more processes spend from few agents at once, and some of them ask twice."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from ledger import gettext_noop
from testruns.load import closed_loop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.audit import refused_for, wrongly_refused
from testruns.scenarios.stage.caller import INSUFFICIENT
from testruns.scenarios.stage.closing import ask_state, audit
from testruns.scenarios.stage.context import ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, hosts_of
from testruns.scenarios.stage.measures import AUDIT_MEASURES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.registry import scenario

AGENTS: Final = 10
INITIAL_MICROS: Final = 1_000 * orders.MICROS
CONSUMES_PER_WORKER: Final = 20
AMOUNT_MICROS_MIN: Final = 10 * orders.MICROS
AMOUNT_MICROS_MAX: Final = 50 * orders.MICROS
RETRY_SHARE: Final = 0.1
OTHER_PROCESSES: Final = 2
WORKERS_PER_OTHER: Final = 4


@scenario(
    code="credit_storm",
    position=1,
    title=gettext_noop("Credit storm"),
    help=gettext_noop(
        "Ten agents with 1,000 credits each. As many threads as the run's concurrency, and two more processes on the "
        "same journal, spend 10 to 50 credits each, 20 times, until the money is gone. Every tenth order is sent twice "
        "with the same key, half of them by somebody else at the same moment. Being refused for lack of funds is a "
        "right answer."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        counted("refused_insufficient", gettext_noop("Orders refused because the agent had too little left.")),
        counted("repeated_answers", gettext_noop("Orders sent again that got the first answer again.")),
    ),
    base_seconds=3,
    is_swept=True,
)
def run(context: ScenarioContext) -> None:
    """Storm, then audit."""
    report = context.report
    worker_count = context.concurrency + OTHER_PROCESSES * WORKERS_PER_OTHER
    with hosts_of(context) as hosts:
        first = 0
        for position in range(1 + OTHER_PROCESSES):
            count = WORKERS_PER_OTHER if position else context.concurrency
            arguments: dict[str, Any] = {
                "seed": context.seed,
                "retries": context.retry_injection,
                "first": first,
                "count": count,
                "worker_count": worker_count,
            }
            hosts.start(name=f"storm-{position}", part=storm, arguments=arguments)
            first += count
        report.progress(fraction=0.1, text=gettext_noop("Opening the ledger in three processes"))
        hosts.await_all("ready", seconds=START_SECONDS_MAX)
        report.progress(fraction=0.2, text=gettext_noop("Spending from all sides"))
        with context.load():
            hosts.tell_all(type="go")
            results = hosts.await_all("result")
        report.progress(fraction=0.7, text=gettext_noop("Reading the journal back"))
        live = ask_state(hosts, hosts.members[0])
        hosts.end_all()
    audited = audit(context, live=live, correct=partial(wrongly_refused, code=INSUFFICIENT))
    report.measure("refused_insufficient", refused_for(audited.expectations, code=INSUFFICIENT))
    if context.retry_injection:
        report.measure("repeated_answers", sum(result["repeated"] for result in results))


def storm(host: Host) -> None:
    """A host's part: its share of the workers, a thread each. The first host creates the agents."""
    arguments = host.arguments
    plan = {"seed": arguments["seed"], "worker_count": arguments["worker_count"], "has_retries": arguments["retries"]}
    workers = range(arguments["first"], arguments["first"] + arguments["count"])
    ledger = host.open()
    with host.caller(ledger) as caller:
        if workers.start == 0:
            caller.set_up(orders.create_agent(f"storm-{agent}", micros=INITIAL_MICROS) for agent in range(AGENTS))
        host.tell(type="ready")
        host.wait_for("go")
        closed_loop(workers=[caller.asking(orders_of(worker, **plan)) for worker in workers])
    host.tell(type="result", repeated=caller.repeated_count)
    host.serve(ledger)
    ledger.close()


def orders_of(worker: int, *, seed: int, worker_count: int, has_retries: bool) -> list[Operation]:
    """What a worker asks, in order.

    Its own orders, some of them twice, and some of its neighbour's at the same position.
    """
    neighbour = (worker - 1) % worker_count
    asked: list[Operation] = []
    theirs = _own_orders(neighbour, seed=seed)
    for (own, own_retry), (other, other_retry) in zip(_own_orders(worker, seed=seed), theirs, strict=True):
        asked.append(own)
        if has_retries and own_retry == "self":
            asked.append(own)
        if has_retries and other_retry == "neighbour":
            asked.append(other)
    return asked


def _own_orders(worker: int, *, seed: int) -> list[tuple[Operation, str]]:
    chance = seeded(seed, "credit_storm", "worker", worker)
    own = []
    for position in range(CONSUMES_PER_WORKER):
        order = orders.consume(
            f"storm:{worker}:{position}",
            agent=f"storm-{chance.randrange(AGENTS)}",
            micros=chance.randint(AMOUNT_MICROS_MIN, AMOUNT_MICROS_MAX),
            reason="storm",
        )
        retry = chance.choice(("self", "neighbour")) if chance.random() < RETRY_SHARE else "never"
        own.append((order, retry))
    return own

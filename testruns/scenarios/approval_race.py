"""approval_race: many people decide one request in the same moment, from threads and processes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from ledger import gettext_noop
from testruns.load import closed_loop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.audit import Expectation, refused_for
from testruns.scenarios.stage.closing import ask_state, audit
from testruns.scenarios.stage.context import ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, hosts_of
from testruns.scenarios.stage.measures import AUDIT_MEASURES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.reading import Record
from testruns.scenarios.stage.registry import MeasurementSpec, scenario
from testruns.units import MICROSECONDS

REQUESTS: Final = 100
AMOUNT_MICROS: Final = 500 * orders.MICROS
DECIDERS_MIN: Final = 10
CONCURRENCY_PER_DECIDER: Final = 5
"""The seeds' 50 workers and 10 deciders: a sweep to 100 and 300 means 20 and 60 deciders on each request."""
PROCESSES: Final = 2
RETRY_SHARE: Final = 0.1
ALREADY_DECIDED: Final = "already_decided"
FINAL_TYPES: Final = ("approval.approved", "approval.rejected", "approval.expired", "approval.cancelled")


@scenario(
    code="approval_race",
    position=3,
    title=gettext_noop("Approval race"),
    help=gettext_noop(
        "One request of medium risk over 500 credits is approved and rejected by ten people at the same moment, half "
        "of them in another process; a hundred requests one after the other. Exactly one decision may count, everybody "
        "else has to hear that it is decided already, and the trail has to say who decided and why."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        counted("requests", gettext_noop("Requests that were raced for.")),
        counted("decisions_per_request_min", gettext_noop("Fewest final decisions the journal has for a request.")),
        counted("decisions_per_request_max", gettext_noop("Most final decisions the journal has for a request.")),
        counted("already_decided", gettext_noop("Deciders who heard that the request is decided already.")),
        counted(
            "audit_missing",
            gettext_noop(
                "Requests whose trail lacks the request, the decision's cause, the decider, the reason, or the right "
                "winner."
            ),
        ),
        MeasurementSpec(
            name="decision_p95_us",
            unit=MICROSECONDS,
            help=gettext_noop("95 percent of the deciders were answered within this."),
        ),
        counted("repeated_answers", gettext_noop("Decisions sent again that got the first answer again.")),
    ),
    base_seconds=3,
    is_swept=True,
)
def run(context: ScenarioContext) -> None:
    """Race, then audit."""
    report = context.report
    deciders = max(DECIDERS_MIN, context.concurrency // CONCURRENCY_PER_DECIDER)
    trail = Trail()
    with hosts_of(context) as hosts:
        for position in range(PROCESSES):
            first, end = deciders * position // PROCESSES, deciders * (position + 1) // PROCESSES
            arguments = {
                "seed": context.seed,
                "retries": context.retry_injection,
                "first": first,
                "count": end - first,
            }
            hosts.start(name=f"race-{position}", part=race, arguments=arguments)
        hosts.await_all("ready", seconds=START_SECONDS_MAX)
        with context.load():
            for number in range(REQUESTS):
                hosts.tell_all(type="round", number=number)
                hosts.await_all("decided")
                if number % 10 == 0:
                    report.progress(fraction=0.2 + number / 200, text=gettext_noop("Deciding the same request at once"))
        hosts.tell_all(type="results")
        results = hosts.await_all("result")
        live = ask_state(hosts, hosts.members[0])
        hosts.end_all()
    report.progress(fraction=0.7, text=gettext_noop("Reading the journal back"))
    expectations = audit(context, live=live, observe=trail.note).expectations
    decisions = [trail.decision_count(request_of(number)) for number in range(REQUESTS)]
    report.measure("requests", REQUESTS)
    report.measure("decisions_per_request_min", min(decisions))
    report.measure("decisions_per_request_max", max(decisions))
    report.measure("already_decided", refused_for(expectations, code=ALREADY_DECIDED))
    winners = _winners(expectations)
    report.measure(
        "audit_missing",
        sum(not trail.is_complete(request_of(number), winners[request_of(number)]) for number in range(REQUESTS)),
    )
    if report.latencies.count:
        report.measure("decision_p95_us", report.latencies.percentile_us(950_000))
    if context.retry_injection:
        report.measure("repeated_answers", sum(result["repeated"] for result in results))


def race(host: Host) -> None:
    """A host's part: its deciders, a thread each, all released together for every request."""
    arguments = host.arguments
    ledger = host.open()
    with host.caller(ledger, right_refusals=frozenset({ALREADY_DECIDED})) as caller:
        if arguments["first"] == 0:
            caller.set_up(
                orders.request_approval(request_of(number), requester="race-requester", micros=AMOUNT_MICROS)
                for number in range(REQUESTS)
            )
        host.tell(type="ready")
        deciders = range(arguments["first"], arguments["first"] + arguments["count"])
        while (message := host.wait_for("round", "results"))["type"] == "round":
            number = message["number"]
            chance = {"seed": arguments["seed"], "has_retries": arguments["retries"]}
            closed_loop(workers=[caller.asking(decisions_of(decider, number, **chance)) for decider in deciders])
            caller.flush()
            host.tell(type="decided")
    host.tell(type="result", repeated=caller.repeated_count)
    host.serve(ledger)
    ledger.close()


def request_of(number: int) -> str:
    """The name of a request."""
    return f"race-{number}"


def decisions_of(decider: int, number: int, *, seed: int, has_retries: bool) -> list[Operation]:
    """What a decider does with a request: decide it, and sometimes send the same decision again."""
    chance = seeded(seed, "approval_race", number, decider)
    order = orders.decide(
        f"{request_of(number)}:{decider}",
        request=request_of(number),
        approver=f"decider-{decider}",
        is_approval=chance.random() < 0.5,
    )
    return [order] * (2 if has_retries and chance.random() < RETRY_SHARE else 1)


def _winners(expectations: Mapping[str, Expectation]) -> dict[str, list[str]]:
    """The keys of those who were told that their decision counts, by request."""
    winners: dict[str, list[str]] = defaultdict(list)
    for expectation in expectations.values():
        if expectation.is_done:
            winners[expectation.key.partition(":")[0]].append(expectation.key)
    return winners


class Trail:
    """What the journal records of approvals, by request."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._requested: dict[str, list[int]] = defaultdict(list)
        self._final: dict[str, list[Record]] = defaultdict(list)

    def note(self, record: Record) -> None:
        """Look at one record."""
        if record.type == "approval.requested":
            self._requested[record.data.get("request", "")].append(record.seq)
        elif record.type in FINAL_TYPES:
            self._final[record.data.get("request", "")].append(record)

    def decision_count(self, request: str) -> int:
        """Final decisions on a request; a MEDIUM one is final with the first."""
        return len(self._final[request])

    def is_complete(self, request: str, winners: list[str]) -> bool:
        """Whether the trail tells request, decider and reason, the decision names the request's event as its cause,
        and the decider it names is the one who was told so.
        """
        requested, final = self._requested[request], self._final[request]
        if len(requested) != 1 or not final:
            return False
        told = all(
            record.data.get("approver") and record.data.get("justification") and record.fields.get("actor")
            for record in final
        ) and all(record.fields.get("causation") == requested[0] for record in final)
        return bool(told) and sorted(winners) == sorted(str(record.key) for record in final)

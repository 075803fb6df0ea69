"""karma_blackout: KARMA hangs, lies, dies and comes back while credits are spent, and nothing may fail."""

from __future__ import annotations

import time
from typing import Final

from ledger import gettext_noop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.closing import LiveState, ask_state, audit
from testruns.scenarios.stage.context import ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, HostDied, HostProcess, Hosts, hosts_of
from testruns.scenarios.stage.karma_host import KarmaHost, karma_host
from testruns.scenarios.stage.karma_server import Mode
from testruns.scenarios.stage.measures import AUDIT_MEASURES, CRASHES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.reading import Record
from testruns.scenarios.stage.registry import scenario

OPERATIONS: Final = 50
AGENTS: Final = 5
INITIAL_MICROS: Final = 1_000 * orders.MICROS
FALLBACK_CI_PPM: Final = 500_000
"""The CI that stands in for a KARMA that cannot be asked (seed 000)."""
HEALTHY: Final = 10
HANGING: Final = 1
LYING: Final = 3
DEAD: Final = 8
PROBE_SECONDS: Final = 2.05
"""A little more than the two seconds after which an open breaker lets one question through."""
PACE_SECONDS: Final = 0.2
RECOVERING: Final = 12
PROBES_MAX: Final = 4
LONG_RUN_SECONDS: Final = 30
"""From this duration on the first probe meets an endpoint that lies, so the breaker has to stay open once more."""


@scenario(
    code="karma_blackout",
    position=4,
    title=gettext_noop("KARMA blackout"),
    help=gettext_noop(
        "Fifty orders are placed while a real KARMA endpoint, a web server in a process of its own, answers, "
        "hangs, answers nonsense, is killed and comes back on the same port. Every order has to succeed; what KARMA "
        "did not say is recorded as the fallback; the breaker opens, and closes again when KARMA is back."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        CRASHES,
        counted("operations_failed", gettext_noop("Orders that did not succeed.")),
        counted("fallback_recorded", gettext_noop("Orders recorded with the fallback of 0.5 for KARMA's answer.")),
        counted("karma_unrecorded", gettext_noop("Orders without a record of what KARMA said or did not say.")),
        counted("breaker_opened", gettext_noop("Times the breaker opened, as the journal records it.")),
        counted("breaker_closed", gettext_noop("Times the breaker closed, as the journal records it.")),
        counted("recovery_recorded", gettext_noop("Orders with an answer of KARMA's after the breaker closed.")),
    ),
    base_seconds=6,
)
def run(context: ScenarioContext) -> None:
    """Spend through the blackout, then audit."""
    report = context.report
    notes = KarmaNotes()
    crashes = 0
    live: LiveState | None = None
    is_long = context.duration_seconds >= LONG_RUN_SECONDS
    with karma_host(lives=3 if is_long else 2) as endpoint, hosts_of(context, karma_url=endpoint.url) as hosts:
        member = hosts.start(name="karma-0", part=spend, arguments={"seed": context.seed})
        hosts.await_all("ready", seconds=START_SECONDS_MAX)
        with context.load():
            try:
                Blackout(context, hosts, member, endpoint).play(meets_a_liar=is_long)
                member.send(type="result")
                crashes = hosts.await_all("result")[0]["crashes"]
            except HostDied:
                crashes += 1
        if not crashes:
            live = ask_state(hosts, member)
            hosts.end_all()
    report.progress(fraction=0.8, text=gettext_noop("Reading the journal back"))
    audited = audit(context, live=live, observe=notes.note)
    spent = {key: expected for key, expected in audited.expectations.items() if key.startswith("karma:")}
    done = [correlation for correlation, expectation in spent.items() if expectation.is_done]
    report.measure("crashes", crashes)
    report.measure("operations_failed", OPERATIONS - len(done))
    report.measure("fallback_recorded", notes.fallback_count)
    report.measure("karma_unrecorded", sum(correlation not in notes.recorded for correlation in done))
    report.measure("breaker_opened", notes.opened_count)
    report.measure("breaker_closed", notes.closed_count)
    report.measure("recovery_recorded", notes.recovered_count)


class Blackout:
    """The course of events: how KARMA behaves, and how many orders are placed meanwhile."""

    def __init__(self, context: ScenarioContext, hosts: Hosts, member: HostProcess, endpoint: KarmaHost) -> None:
        """All fifty orders are still to be placed."""
        self._context = context
        self._hosts = hosts
        self._member = member
        self._endpoint = endpoint
        self._placed = 0

    def play(self, *, meets_a_liar: bool) -> None:
        """Healthy, hanging, lying, dead, back as a liar or not, back.

        Raises HostDied when the ledger's process does not survive it.
        """
        self._place(HEALTHY)
        self._endpoint.behave(Mode.HANG)
        self._place(HANGING)
        self._endpoint.behave(Mode.GARBAGE)
        self._place(LYING)
        self._endpoint.kill()
        self._place(DEAD)
        dead_since = time.monotonic()
        if meets_a_liar:
            dead_since = self._meet_a_liar()
        self._endpoint.come_back()
        while time.monotonic() - dead_since < PROBE_SECONDS and self._placed < OPERATIONS - RECOVERING:
            self._place(1)
            time.sleep(PACE_SECONDS)
        time.sleep(max(0.0, PROBE_SECONDS - (time.monotonic() - dead_since)))
        # On a machine out of breath the answer to a probe may come too late; that is no reason to call the breaker
        # stuck.
        for _ in range(PROBES_MAX):
            if not self._place(1):
                break
            time.sleep(PROBE_SECONDS)
        self._place(OPERATIONS - self._placed)

    def _meet_a_liar(self) -> float:
        """KARMA is back but answers nonsense to the probe; returns when that was."""
        self._endpoint.come_back()
        self._endpoint.behave(Mode.GARBAGE)
        time.sleep(PROBE_SECONDS)
        self._place(1)
        self._endpoint.kill()
        return time.monotonic()

    def _place(self, count: int) -> bool:
        """Place that many orders; returns whether the breaker is open after them, which only sets the pace here."""
        self._member.send(type="place", first=self._placed, count=count)
        (placed,) = self._hosts.await_all("placed")
        self._placed += count
        self._context.report.progress(
            fraction=0.1 + 0.7 * self._placed / OPERATIONS, text=gettext_noop("Spending while KARMA fails")
        )
        return bool(placed["is_breaker_open"])


def spend(host: Host) -> None:
    """A host's part: places orders as many at a time as it is told."""
    ledger = host.open()
    with host.caller(ledger) as caller:
        caller.set_up(orders.create_agent(f"karma-{agent}", micros=INITIAL_MICROS) for agent in range(AGENTS))
        host.tell(type="ready")
        while (message := host.wait_for("place", "result"))["type"] == "place":
            for number in range(message["first"], message["first"] + message["count"]):
                caller.ask(order_of(number, seed=host.arguments["seed"]))
            caller.flush()
            host.tell(type="placed", is_breaker_open=caller.is_breaker_open)
    host.tell(type="result", crashes=caller.crash_count)
    host.serve(ledger)
    ledger.close()


def order_of(number: int, *, seed: int) -> Operation:
    """The n-th order; fifty of at most 50 credits never exhaust five agents with 1000 each."""
    chance = seeded(seed, "karma_blackout", number)
    return orders.consume(
        f"karma:{number}",
        agent=f"karma-{chance.randrange(AGENTS)}",
        micros=chance.randint(10 * orders.MICROS, 50 * orders.MICROS),
        reason="blackout",
    )


class KarmaNotes:
    """What the journal records of KARMA."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.recorded: set[str] = set()
        self.fallback_count = 0
        self.opened_count = 0
        self.closed_count = 0
        self.recovered_count = 0

    def note(self, record: Record) -> None:
        """Look at one record."""
        match record.type:
            case "karma.fallback_used":
                self.recorded.add(record.correlation)
                self.fallback_count += record.data.get("ci_ppm") == FALLBACK_CI_PPM
            case "karma.scored":
                self.recorded.add(record.correlation)
                self.recovered_count += bool(self.closed_count)
            case "breaker.opened":
                self.opened_count += 1
            case "breaker.closed":
                self.closed_count += self.opened_count > 0

"""synergy_anti_gaming: a team tries to make credits out of working together, and the ledger's cap has to hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from ledger import gettext_noop
from testruns.load import closed_loop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.audit import EffectCounts, Expectation, JournalFacts
from testruns.scenarios.stage.closing import ask_state, audit
from testruns.scenarios.stage.context import ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, hosts_of
from testruns.scenarios.stage.measures import AUDIT_MEASURES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.reading import Record
from testruns.scenarios.stage.registry import MeasurementSpec, scenario
from testruns.units import MICRO_CREDITS

AGENTS: Final = tuple(f"alpha-{number}" for number in range(5))
EVENTS: Final = 100
CAP_MICROS: Final = 500 * orders.MICROS
"""What an agent may get from synergy in its life (seed 000). The scenario only compares; the ledger has to know."""
INITIAL_MICROS: Final = 10 * orders.MICROS
RETRY_SHARE: Final = 0.1
WORKERS: Final = (4, 2)
"""Threads in the first and in the second process."""
RIGHT_REFUSALS: Final = frozenset({"self-dealing", "already-recorded"})


@scenario(
    code="synergy_anti_gaming",
    position=2,
    title=gettext_noop("Synergy against gaming"),
    help=gettext_noop(
        "Five agents of one team record 100 synergies worth several times the cap of 500 credits an agent, from two "
        "processes: honest work, rings in which everybody reuses everybody else's work for huge sums, rewards for "
        "working with oneself, and the same work handed in again. No agent may get more than the cap, and each cut "
        "has to be on record."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        counted("rewards_beyond_cap", gettext_noop("Agents that got more from synergy than the cap allows.")),
        counted("rewards_capped", gettext_noop("Rewards that were cut, as the journal records it.")),
        MeasurementSpec(
            name="reward_micros_max", unit=MICRO_CREDITS, help=gettext_noop("Most that one agent got from synergy.")
        ),
        counted("repeated_answers", gettext_noop("Orders sent again that got the first answer again.")),
    ),
    base_seconds=2,
)
def run(context: ScenarioContext) -> None:
    """Play the team against the cap, then audit."""
    report = context.report
    with hosts_of(context) as hosts:
        first = 0
        for position, count in enumerate(WORKERS):
            arguments = {
                "seed": context.seed,
                "retries": context.retry_injection,
                "first": first,
                "count": count,
            }
            hosts.start(name=f"synergy-{position}", part=play_team, arguments=arguments)
            first += count
        hosts.await_all("ready", seconds=START_SECONDS_MAX)
        report.progress(fraction=0.2, text=gettext_noop("Recording synergies from two processes"))
        with context.load():
            hosts.tell_all(type="go")
            results = hosts.await_all("result")
        report.progress(fraction=0.7, text=gettext_noop("Reading the journal back"))
        live = ask_state(hosts, hosts.members[0])
        hosts.end_all()
    payments = Payments()
    facts = audit(context, live=live, observe=payments.note, correct=payments.count_repeats).facts
    report.measure("rewards_beyond_cap", sum(micros > CAP_MICROS for micros in facts.rewards.values()))
    report.measure("rewards_capped", facts.types["synergy.reward_capped"])
    report.measure("reward_micros_max", max(facts.rewards.values(), default=0))
    if context.retry_injection:
        report.measure("repeated_answers", sum(result["repeated"] for result in results))


class Payments:
    """Which agent was paid for which work: the same work is paid once, whatever key it is handed in with."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._paid: Counter[tuple[str, str]] = Counter()

    def note(self, record: Record) -> None:
        """Look at one record."""
        if record.type == "synergy.rewarded":
            self._paid[record.data.get("source", ""), record.data.get("to_account", "")] += 1

    def count_repeats(self, _facts: JournalFacts, _expectations: Mapping[str, Expectation]) -> EffectCounts:
        """Payments beyond the first, as double charges."""
        return EffectCounts(double=sum(count - 1 for count in self._paid.values()))


def play_team(host: Host) -> None:
    """A host's part: its threads take every n-th of the synergies. The first host creates the agents."""
    arguments = host.arguments
    plan = synergies(seed=arguments["seed"], has_retries=arguments["retries"])
    workers = range(arguments["first"], arguments["first"] + arguments["count"])
    ledger = host.open()
    with host.caller(ledger, right_refusals=RIGHT_REFUSALS) as caller:
        if workers.start == 0:
            caller.set_up(orders.create_agent(agent, micros=INITIAL_MICROS) for agent in AGENTS)
        host.tell(type="ready")
        host.wait_for("go")
        closed_loop(workers=[caller.asking(plan[worker :: sum(WORKERS)]) for worker in workers])
    host.tell(type="result", repeated=caller.repeated_count)
    host.serve(ledger)
    ledger.close()


def synergies(*, seed: int, has_retries: bool) -> list[Operation]:
    """All orders of the team.

    A retry stands right behind its original, so another worker sends it at the same moment.
    """
    chance = seeded(seed, "synergy_anti_gaming")
    asked: list[Operation] = []
    for number in range(EVENTS):
        key = f"synergy:{number}"
        kind = chance.choices(("work", "ring", "self", "again"), weights=(60, 25, 5, 10))[0]
        if kind == "ring":
            order = _ring(key, number, chance.randint(100, 1_000_000))
        elif kind == "self":
            order = _self_dealing(key, chance.choice(AGENTS))
        elif kind == "again" and asked:
            order = orders.again(chance.choice(asked), key=key)
        else:
            order = _work(key, chance.sample(AGENTS, chance.randint(2, 5)), chance.randint(60, 150), chance.random())
        asked.append(order)
        if has_retries and chance.random() < RETRY_SHARE:
            asked.append(order)
    return asked


def _work(key: str, agents: list[str], credits_in_all: int, share: float) -> Operation:
    contributions = tuple(100_000 + int(800_000 * share) + 10_000 * place for place in range(len(agents)))
    return orders.collaborate(
        key,
        collaboration=key,
        agents=tuple(agents),
        contributions_ppm=contributions,
        reward_micros=credits_in_all * orders.MICROS,
    )


def _ring(key: str, number: int, allocation: int) -> Operation:
    """Everybody reuses what the one before made, round and round."""
    source, reuser = AGENTS[number % len(AGENTS)], AGENTS[(number + 1) % len(AGENTS)]
    return orders.reuse(
        key, source=source, reuser=reuser, similarity_ppm=1_000_000, allocation_micros=allocation * orders.MICROS
    )


def _self_dealing(key: str, agent: str) -> Operation:
    own = orders.reuse(key, source=agent, reuser=agent, similarity_ppm=1_000_000, allocation_micros=100 * orders.MICROS)
    return orders.expecting_nothing(own)

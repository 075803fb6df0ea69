"""How a scenario closes: the ledger's last live answers, its replays in a new process, and the audit's measurements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger import LedgerError, take_snapshot
from testruns.scenarios.stage.audit import (
    AGENT_PREFIX,
    EffectCounts,
    Expectation,
    JournalFacts,
    Observe,
    account_drifts,
    expectations_of,
    match_effects,
    read_facts,
)
from testruns.scenarios.stage.context import ScenarioContext
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import HostDied, HostProcess, Hosts, hosts_of
from testruns.scenarios.stage.opening import chain_breaks_of
from testruns.scenarios.stage.operations import read_acknowledgements

Correct = Callable[[JournalFacts, Mapping[str, Expectation]], EffectCounts]

REPLAYS: Final = 2
FAILED: Final = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveState:
    """What the ledger under test says about itself while it runs.

    State digest, and balance by account in micro-credits.
    """

    digest: str
    accounts: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Audited:
    """What the audit found, for measurements a scenario adds.

    `events_from_snapshot` are those that the last replay did not read but took from a snapshot.
    """

    facts: JournalFacts
    expectations: Mapping[str, Expectation]
    events_from_snapshot: int


def ask_state(hosts: Hosts, member: HostProcess) -> LiveState:
    """The live state, from one host. Raises HostDied."""
    member.send(type="state")
    (answer,) = hosts.await_all("state", members=[member])
    return LiveState(digest=answer["digest"], accounts=answer["accounts"])


def replay(host: Host) -> None:
    """A host's part: open the journal again and again, each time from nothing, and have it verified.

    With `takes_snapshot` the last opening begins with a snapshot of what is sealed, and has to come to the same state.
    An opening that fails is told as a state of its own: it is not the state the ledger had. A verification that cannot
    be carried out counts as one break.
    """
    digests, events_from_snapshot = [], 0
    last = host.arguments["replays"] - 1
    for number in range(last + 1):
        try:
            if host.arguments["takes_snapshot"] and number == last:
                events_from_snapshot = take_snapshot(path=host.journal).seq
            ledger = host.open(read_only=True)
            digests.append(ledger.state_digest())
            ledger.close()
        except Exception as failure:  # noqa: BLE001 - a replay that fails is the finding, not the end of the audit
            host.complain("replay failed", failure)
            digests.append(f"{FAILED} {len(digests)}")
    host.tell(
        type="replayed",
        digests=digests,
        chain_breaks=_chain_breaks(host),
        events_from_snapshot=events_from_snapshot,
    )


def _chain_breaks(host: Host) -> int:
    try:
        return chain_breaks_of(host.journal)
    except LedgerError as failure:
        host.complain("verification failed", failure)
        return 1


def audit(
    context: ScenarioContext,
    *,
    live: LiveState | None,
    replays: int = REPLAYS,
    takes_snapshot: bool = False,
    correct: Correct | None = None,
    observe: Observe | None = None,
) -> Audited:
    """Read the journal back, replay it in a new process, and report every measurement of AUDIT_MEASURES.

    `live` is None when no ledger was left to ask; what needs it is then not measured. `observe` sees every
    record, and `correct` adds wrong effects that only the scenario can know of. With `takes_snapshot` the last replay
    begins with a snapshot. The hosts that wrote must have ended.
    """
    replayed = _replay_in_new_host(context, replays=replays, takes_snapshot=takes_snapshot)
    facts = read_facts(context.journal, observe=observe)
    expectations = expectations_of(read_acknowledgements(context.directory))
    effects = match_effects(facts, expectations)
    if correct is not None:
        effects += correct(facts, expectations)
    report = context.report
    report.measure("events", facts.events)
    report.measure("double_charges", effects.double)
    report.measure("lost_effects", effects.lost)
    report.measure("extra_effects", effects.extra)
    for name in ("missing_schema", "missing_correlation", "unresolved_causation", "duplicate_keys"):
        report.measure(name, getattr(facts, name))
    report.measure("chain_breaks", max(facts.unlinked, replayed["chain_breaks"]))
    digests = set(replayed["digests"])
    if live is not None:
        digests.add(live.digest)
        report.tell_accounts(account_drifts(facts, live.accounts))
        report.measure("accounts_sum_micros", abs(sum(live.accounts.values())))
        below_zero = {name for name, micros in live.accounts.items() if name.startswith(AGENT_PREFIX) and micros < 0}
        report.measure("negative_balances", len(below_zero | facts.ever_negative))
    report.measure("state_hashes_distinct", len(digests))
    return Audited(facts=facts, expectations=expectations, events_from_snapshot=replayed["events_from_snapshot"])


def _replay_in_new_host(context: ScenarioContext, *, replays: int, takes_snapshot: bool) -> dict[str, Any]:
    arguments = {"replays": replays, "takes_snapshot": takes_snapshot}
    with hosts_of(context) as hosts:
        member = hosts.start(name="replay", part=replay, arguments=arguments)
        (answer,) = hosts.await_all("replayed")
        if member.end() != 0:
            raise HostDied("the replaying host ended with an error")
    return answer

"""The audit after the load: the journal, read back from its files, against what callers were told and what the
ledger says.

Nothing is taken from the ledger's word: effects are matched by the correlation every operation has for itself,
balances are added up from the amounts, and the chain is followed byte by byte beside the ledger's own verification.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from testruns.scenarios.stage.operations import Acknowledgement, Movement, Outcome
from testruns.scenarios.stage.reading import Record, read_records

Observe = Callable[[Record], None]

AGENT_PREFIX: Final = "agent:"
SIDES: Final[Mapping[str, tuple[str, str]]] = {
    "credit.allocated": ("system:issuance", AGENT_PREFIX),
    "credit.regenerated": ("system:issuance", AGENT_PREFIX),
    "credit.consumed": (AGENT_PREFIX, "system:consumption"),
    "credit.refunded": ("system:consumption", AGENT_PREFIX),
    "credit.withdrawn": (AGENT_PREFIX, "system:withdrawal"),
    "credit.transferred": (AGENT_PREFIX, AGENT_PREFIX),
    "synergy.rewarded": ("system:reward", AGENT_PREFIX),
}
"""Who pays whom in each movement (domain facts 1.11-1.14); an account beginning with `agent:` is any agent."""


@dataclass
class Expectation:
    """What callers know about one operation, from all its answers together."""

    key: str
    owed: tuple[Movement, ...] | None
    outcomes: set[Outcome] = field(default_factory=set)
    seqs: set[int] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    is_marked: bool = False

    @property
    def is_done(self) -> bool:
        """Somebody was told that it is done."""
        return Outcome.DONE in self.outcomes

    @property
    def is_refused(self) -> bool:
        """Everybody was told that it was refused, so there must be no effect."""
        return self.outcomes == {Outcome.REFUSED}


@dataclass
class JournalFacts:
    """What the journal says by itself."""

    events: int = 0
    missing_schema: int = 0
    missing_correlation: int = 0
    unresolved_causation: int = 0
    duplicate_keys: int = 0
    unlinked: int = 0
    misdirected: int = 0
    balances: Counter[str] = field(default_factory=Counter)
    ever_negative: set[str] = field(default_factory=set)
    stated_drifts: dict[str, int] = field(default_factory=dict)
    types: Counter[str] = field(default_factory=Counter)
    movements: dict[str, list[tuple[int, Movement]]] = field(default_factory=lambda: defaultdict(list))
    keys: dict[str, int] = field(default_factory=dict)
    rewards: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectCounts:
    """Effects that are wrong, by kind."""

    double: int = 0
    lost: int = 0
    extra: int = 0

    def __add__(self, other: EffectCounts) -> EffectCounts:
        """Both together."""
        return EffectCounts(
            double=self.double + other.double, lost=self.lost + other.lost, extra=self.extra + other.extra
        )


def read_facts(journal: Path, *, observe: Observe | None = None) -> JournalFacts:
    """Read the whole journal once; `observe` sees every record for what a scenario wants to know besides."""
    facts = JournalFacts()
    for record in read_records(journal):
        _note_envelope(facts, record)
        _note_movement(facts, record)
        if observe is not None:
            observe(record)
    return facts


def _note_envelope(facts: JournalFacts, record: Record) -> None:
    fields = record.fields
    facts.events += 1
    facts.types[record.type] += 1
    facts.unlinked += not record.is_linked
    schema = fields.get("schema")
    facts.missing_schema += not (isinstance(schema, int) and schema > 0)
    facts.missing_correlation += not record.correlation
    causation = fields.get("causation")
    facts.unresolved_causation += causation is not None and not 1 <= causation < record.seq
    if record.key is not None:
        facts.duplicate_keys += record.key in facts.keys
        facts.keys.setdefault(record.key, record.seq)


def _note_movement(facts: JournalFacts, record: Record) -> None:
    data = record.data
    if "from_account" not in data or record.type.startswith("system:"):
        return
    movement = Movement(record.type, data["from_account"], data["to_account"], data["amount_micros"])
    facts.misdirected += not _is_directed(movement)
    facts.movements[record.correlation].append((record.seq, movement))
    balances = facts.balances
    balances[movement.payer] -= movement.amount_micros
    balances[movement.payee] += movement.amount_micros
    if movement.payer.startswith(AGENT_PREFIX) and balances[movement.payer] < 0:
        facts.ever_negative.add(movement.payer)
    if record.type == "synergy.rewarded":
        facts.rewards[movement.payee] += movement.amount_micros
    stated = data.get("balance_micros")
    if stated is not None:
        own = movement.payer if movement.payer.startswith(AGENT_PREFIX) else movement.payee
        if drift := abs(stated - balances[own]):
            facts.stated_drifts[own] = max(drift, facts.stated_drifts.get(own, 0))


def _is_directed(movement: Movement) -> bool:
    sides = SIDES.get(movement.type)
    if sides is None or movement.amount_micros <= 0:
        return False
    return all(
        account.startswith(side) if side == AGENT_PREFIX else account == side
        for account, side in zip((movement.payer, movement.payee), sides, strict=True)
    )


def expectations_of(acknowledgements: Iterable[Acknowledgement]) -> dict[str, Expectation]:
    """What was promised, by correlation."""
    expectations: dict[str, Expectation] = {}
    for answer in acknowledgements:
        expectation = expectations.get(answer.correlation)
        if expectation is None:
            expectation = expectations[answer.correlation] = Expectation(key=answer.key, owed=answer.owed)
        expectation.outcomes.add(answer.outcome)
        expectation.is_marked |= answer.is_marked
        if answer.outcome is Outcome.DONE:
            expectation.seqs.add(answer.seq)
        if answer.code:
            expectation.codes.add(answer.code)
    return expectations


def match_effects(facts: JournalFacts, expectations: Mapping[str, Expectation]) -> EffectCounts:
    """Hold the movements of the journal against what each operation was promised."""
    unasked = sum(len(found) for correlation, found in facts.movements.items() if correlation not in expectations)
    counts = EffectCounts(extra=facts.misdirected + unasked)
    for correlation, expectation in expectations.items():
        found = facts.movements.get(correlation, [])
        counts += _match(expectation, [movement for _, movement in found], facts.keys.get(expectation.key, 0))
    return counts


def _match(expectation: Expectation, found: list[Movement], seq_of_key: int) -> EffectCounts:
    """One operation: repeats are double charges, absent effects are lost, other ones are extra."""
    if expectation.is_refused:
        return EffectCounts(extra=len(found))
    counted = Counter(found)
    double = sum(count - 1 for count in counted.values())
    # A promise that names an event which is not the one under its key points to nothing.
    lost = sum(seq != seq_of_key for seq in expectation.seqs)
    if expectation.owed is None:
        sides = Counter((movement.type, movement.payer, movement.payee) for movement in counted)
        return EffectCounts(double=double + sum(count - 1 for count in sides.values()), lost=lost)
    owed = set(expectation.owed)
    extra = len(set(counted) - owed)
    if expectation.is_done and not lost:
        lost = len(owed - set(counted))
    return EffectCounts(double=double, lost=lost, extra=extra)


def wrongly_refused(facts: JournalFacts, expectations: Mapping[str, Expectation], *, code: str) -> EffectCounts:
    """Refusals for lack of funds that the end disproves, in a load in which balances only fall after the setup.

    Whoever has `amount` left at the end had it at every moment before.
    """
    wrong = sum(
        expectation.is_refused
        and code in expectation.codes
        and expectation.owed is not None
        and all(facts.balances[movement.payer] >= movement.amount_micros for movement in expectation.owed)
        for expectation in expectations.values()
    )
    return EffectCounts(lost=wrong)


def refused_for(expectations: Mapping[str, Expectation], *, code: str) -> int:
    """Operations that were refused with this code and never done."""
    return sum(expectation.is_refused and code in expectation.codes for expectation in expectations.values())


class AccountDrift(NamedTuple):
    """One account: what the ledger says it holds, what its movements in the journal add up to, and the difference.

    All in micro-credits. The balance each event states counts as well: the largest difference is the drift.
    """

    name: str
    live_micros: int
    journal_micros: int
    drift_micros: int


def account_drifts(facts: JournalFacts, accounts: Mapping[str, int]) -> list[AccountDrift]:
    """Every account of ledger or journal, the largest drift first and then by name."""
    drifts = []
    for name in sorted(set(accounts) | set(facts.balances)):
        live, journal = accounts.get(name, 0), facts.balances[name]
        drift = max(abs(live - journal), facts.stated_drifts.get(name, 0))
        drifts.append(AccountDrift(name=name, live_micros=live, journal_micros=journal, drift_micros=drift))
    return sorted(drifts, key=lambda each: -each.drift_micros)

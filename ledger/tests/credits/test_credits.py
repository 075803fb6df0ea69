"""Credits: every movement has two sides, every answer comes from the journal, every replay reaches the same state."""

from __future__ import annotations

import tracemalloc
from itertools import count

import pytest

from ledger import ApprovalState, KarmaReading, Ledger, commands, digest_of
from ledger.credits.commands import arguments_of, fingerprint_of
from ledger.credits.karma_reading import KarmaFailure, fallback_reading
from ledger.credits.state import CreditState
from ledger.engine.event import Event
from ledger.tests.credits.orders import CREDIT, Desk

THIRTY = 30 * CREDIT


@pytest.mark.parametrize(
    ("command", "type_", "other", "balance"),
    [
        (commands.Consume(agent="ann", amount_micros=30 * CREDIT, reason="w"), "credit.consumed", "consumption", 70),
        (commands.Refund(agent="ann", amount_micros=30 * CREDIT, reason="w"), "credit.refunded", "consumption", 130),
        (commands.AddCredits(agent="ann", amount_micros=30 * CREDIT, reason="w"), "credit.allocated", "issuance", 130),
        (
            commands.Withdraw(agent="ann", amount_micros=30 * CREDIT, reason="w" * 10),
            "credit.withdrawn",
            "withdrawal",
            70,
        ),
        (commands.Withdraw(agent="ann", severity="high", reason="w" * 10), "credit.withdrawn", "withdrawal", 50),
        (commands.Regenerate(agent="ann", hours_ppm=5_000_000), "credit.regenerated", "issuance", 120),
    ],
)
def test_each_movement_goes_to_its_system_account(
    desk: Desk, command: commands.CreditCommand, type_: str, other: str, balance: int
) -> None:
    """What the agent loses the other side gains; the sum stays zero."""
    desk.open_account("ann", 100)
    before = desk.ledger.accounts()[f"system:{other}"]

    answer = desk.order(command)

    assert [event.type for event in answer.events] == [type_]
    assert answer.balance_micros == desk.ledger.balance("ann") == balance * CREDIT
    assert desk.ledger.accounts()[f"system:{other}"] == before + (100 - balance) * CREDIT
    assert sum(desk.ledger.accounts().values()) == 0


def test_a_transfer_is_one_event_in_the_payers_stream(desk: Desk) -> None:
    """It carries both balances."""
    desk.open_account("ann", 100)
    desk.open_account("bob", 100)

    answer = desk.order(commands.Transfer(payer="ann", payee="bob", amount_micros=30 * CREDIT, reason="gift"))

    (event,) = answer.events
    assert event.stream == "agent:ann"
    assert (event.data["balance_micros"], event.data["payee_balance_micros"]) == (70 * CREDIT, 130 * CREDIT)
    assert (desk.ledger.balance("ann"), desk.ledger.balance("agent:bob")) == (70 * CREDIT, 130 * CREDIT)


def test_an_event_carries_what_it_must(desk: Desk) -> None:
    """The exact data of a consumption: field names are for ever."""
    desk.open_account("ann", 100)

    (event,) = desk.consume("ann", 30, mission="m-7").events

    assert event.data == {
        "from_account": "agent:ann",
        "to_account": "system:consumption",
        "amount_micros": 30_000_000,
        "balance_micros": 70_000_000,
        "reason": "work",
        "mission": "m-7",
    }
    assert (event.schema, event.actor, event.correlation) == (1, "user:1", "mission:9")


def test_a_reading_of_karma_is_recorded_with_the_consumption(desk: Desk) -> None:
    """A score as karma.scored, the fallback with CI 0.5 and its reason as karma.fallback_used."""
    desk.open_account("ann", 100)

    scored = desk.consume("ann", 1, karma=KarmaReading(score_ppm=815_000, ci_ppm=620_000))
    fallback = desk.consume("ann", 1, karma=fallback_reading(reason=KarmaFailure.TIMEOUT))

    assert (scored.events[0].type, scored.events[0].data) == ("karma.scored", {"ci_ppm": 620_000, "score_ppm": 815_000})
    assert (fallback.events[0].type, fallback.events[0].data) == (
        "karma.fallback_used",
        {"ci_ppm": 500_000, "reason": "timeout"},
    )
    assert fallback.events[1].causation == fallback.events[0].seq
    assert (scored.is_karma_fallback, fallback.is_karma_fallback) == (False, True)
    assert desk.ledger.balance("ann") == 98 * CREDIT


def test_a_retry_that_sees_another_karma_is_the_same_order(desk: Desk) -> None:
    """KARMA is an observation: it stands outside the fingerprint, and the first answer holds."""
    desk.open_account("ann", 100)
    desk.consume("ann", 10, key="k", karma=KarmaReading(score_ppm=815_000, ci_ppm=620_000))

    again = desk.consume("ann", 10, key="k", karma=fallback_reading(reason=KarmaFailure.TIMEOUT))

    assert again.is_repeated
    assert not again.is_karma_fallback
    assert desk.ledger.balance("ann") == 90 * CREDIT


def test_a_repeated_key_charges_once_even_after_a_restart(desk: Desk) -> None:
    """Keys are remembered for ever."""
    desk.open_account("ann", 100)
    first = desk.consume("ann", 10, key="k")
    desk.consume("ann", 10)
    desk.reopen()

    again = desk.consume("ann", 10, key="k")

    assert again.is_repeated
    assert (again.events, again.balance_micros) == (first.events, first.balance_micros)
    assert desk.ledger.balance("ann") == 80 * CREDIT


def test_breakers_are_recorded_and_known_after_a_restart(desk: Desk) -> None:
    """Which endpoints are shut off, and why."""
    endpoint = "http://127.0.0.1:9"
    desk.order(commands.RecordBreaker(is_open=True, endpoint=endpoint, reason="unreachable"))
    assert desk.reopen().open_breakers() == {endpoint: "unreachable"}

    desk.order(commands.RecordBreaker(is_open=False, endpoint=endpoint, reason="answered"))

    assert desk.ledger.open_breakers() == {}
    assert desk.types() == ["breaker.opened", "breaker.closed"]


def test_two_ledgers_on_one_journal_agree(desk: Desk) -> None:
    """What one records the other knows: nobody spends the same credits twice."""
    desk.open_account("ann", 100)
    with_other = Ledger.open(path=desk.path)
    try:
        with_other.execute(
            commands.Consume(agent="ann", amount_micros=100 * CREDIT, reason="w"),
            key="x",
            actor="user:2",
            correlation="c",
        )
        assert desk.ledger.balance("ann") == 0
        assert desk.ledger.state_digest() == with_other.state_digest()
    finally:
        with_other.close()


def test_agents_and_accounts_are_listed(desk: Desk) -> None:
    """Agents in the order of their creation, accounts with the four of the system."""
    desk.open_account("zoe", 1)
    desk.open_account("ann", 2)

    assert desk.ledger.agents() == ("zoe", "ann")
    assert desk.ledger.accounts() == {
        "system:issuance": -3 * CREDIT,
        "system:consumption": 0,
        "system:withdrawal": 0,
        "system:reward": 0,
        "agent:zoe": CREDIT,
        "agent:ann": 2 * CREDIT,
    }


def test_fingerprints_are_pinned() -> None:
    """The bytes behind them are for ever: a change here would make every retry a mismatch."""
    order = commands.Consume(agent="ann", amount_micros=5, reason="work", mission="m")

    assert arguments_of(order) == {"agent": "ann", "amount_micros": 5, "reason": "work", "mission": "m"}
    assert fingerprint_of(order) == digest_of({"command": "consume", "arguments": arguments_of(order)})[:32]
    assert fingerprint_of(order) == "96ea242b00412c37414ac98d6f5cb14b"


@pytest.mark.parametrize("reason", ["plain", '"quotes" and \\', "tab\tand\x1f", "Grüße", "汉字", "e\u0301", "\x7f"])
def test_the_quick_fingerprint_is_the_canonical_one(reason: str) -> None:
    """In every alphabet."""
    order = commands.Refund(agent="ann", amount_micros=5, reason=reason)

    assert fingerprint_of(order) == digest_of({"command": "refund", "arguments": arguments_of(order)})[:32]


def test_memory_grows_with_agents_and_not_with_events() -> None:
    """A hundred thousand more consumptions of the same agents leave the state as large as before."""
    state = CreditState()
    numbers = count(1)

    def apply(stream: str, type_: str, data: dict[str, object]) -> None:
        seq = next(numbers)
        state.apply(Event(seq, "t", stream, 1, type_, 1, "a", "c", None, None, None, seq, None, data, "h"))

    def consume(times: int) -> None:
        for _ in range(times):
            moved = {"from_account": "agent:a", "to_account": "system:consumption", "amount_micros": 10**6}
            apply("agent:a", "credit.consumed", moved)

    apply("agent:a", "agent.created", {"agent": "a", "skill_ppm": 1})
    consume(1_000)
    tracemalloc.start()
    try:
        consume(100_000)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert grown < 10_000


def test_a_decided_approval_costs_about_a_hundred_bytes() -> None:
    """The table of decided requests keeps a hash and a state, not the request."""
    state = CreditState()
    tracemalloc.start()
    try:
        for number in range(50_000):
            state.decided.add(request=f"a-rather-long-request-name-{number}", state=ApprovalState.APPROVED)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert used / 50_000 < 110

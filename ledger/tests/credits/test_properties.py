"""What holds for any orders: sum zero, nobody below zero, a replay reaches the same state, a key answers once."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import Answer, IdempotencyMismatch, Rejected, check_invariants, commands
from ledger.credits.policy import SYNERGY_CAP_MICROS
from ledger.tests.credits.orders import CREDIT, Desk

AGENTS = ("ann", "bob", "cat")
agents = st.sampled_from(AGENTS)
amounts = st.integers(min_value=1, max_value=300 * CREDIT)
names = st.sampled_from([f"n-{number}" for number in range(5)])
people = st.sampled_from(["ann", "dan", "eve"])

orders = st.one_of(
    st.builds(commands.CreateAgent, agent=agents, skill_ppm=st.integers(0, 1_000_000)),
    st.builds(commands.Consume, agent=agents, amount_micros=amounts, reason=st.just("work")),
    st.builds(commands.Refund, agent=agents, amount_micros=amounts, reason=st.just("work")),
    st.builds(commands.AddCredits, agent=agents, amount_micros=amounts, reason=st.just("work")),
    st.builds(commands.Withdraw, agent=agents, severity=st.sampled_from(["low", "critical"]), reason=st.just("r" * 10)),
    st.builds(commands.Regenerate, agent=agents, hours_ppm=st.integers(1, 5_000_000)),
    st.builds(
        lambda pair, amount: commands.Transfer(payer=pair[0], payee=pair[1], amount_micros=amount, reason="gift"),
        st.permutations(AGENTS),
        amounts,
    ),
    st.builds(
        lambda name, pair, shares, reward: commands.RecordCollaboration(
            collaboration=name, agents=tuple(pair[:2]), mission="m", contributions_ppm=shares, reward_micros=reward
        ),
        names,
        st.permutations(AGENTS),
        st.tuples(st.integers(1, 1_000_000), st.integers(0, 1_000_000)),
        st.none() | st.integers(1, 900 * CREDIT),
    ),
    st.builds(
        commands.RequestApproval,
        request=names,
        action_type=st.just("spend"),
        risk_level=st.sampled_from(["LOW", "MEDIUM", "HIGH", "CRITICAL"]),
        context=st.just("why not"),
        requester=people,
    ),
    st.builds(
        commands.DecideApproval,
        request=names,
        approver=people,
        is_approval=st.booleans(),
        justification=st.just("because of reasons"),
    ),
    st.builds(commands.SampleEoc, queue_depth=st.integers(0, 50)),
)
keyed_orders = st.lists(st.tuples(st.integers(0, 30), orders), min_size=5, max_size=30)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(keyed_orders)
def test_any_orders_leave_a_sound_ledger(sequence: list[tuple[int, commands.CreditCommand]]) -> None:
    """Keys repeat on purpose: the same order gets its answer again, another one a mismatch."""
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(Path(directory) / "journal", segment_bytes=4096)
        answers: dict[int, tuple[commands.CreditCommand, Answer]] = {}
        for number, order in sequence:
            try:
                answer = desk.order(order, key=f"key-{number}")
            except IdempotencyMismatch:
                assert answers[number][0] != order
                continue
            except Rejected:
                assert number not in answers or answers[number][0] != order
                continue
            if number in answers:
                assert answer.is_repeated
                assert answer.events == answers[number][1].events
            else:
                answers[number] = (order, answer)
            balances = desk.ledger.accounts()
            assert sum(balances.values()) == 0
            assert all(balance >= 0 for name, balance in balances.items() if name.startswith("agent:"))

        live = (desk.ledger.accounts(), desk.ledger.eoc(), desk.ledger.state_digest())
        replayed = desk.reopen()

        assert (replayed.accounts(), replayed.eoc(), replayed.state_digest()) == live
        assert not replayed.status.warnings
        assert all(replayed.synergy_rewarded(agent) <= SYNERGY_CAP_MICROS for agent in replayed.agents())
        for number, (order, answer) in answers.items():
            again = desk.order(order, key=f"key-{number}")
            assert again == answer.__class__(
                **{name: getattr(answer, name) for name in answer.__dataclass_fields__} | {"is_repeated": True}
            )
        desk.ledger.close()
        assert check_invariants(desk.path).is_held

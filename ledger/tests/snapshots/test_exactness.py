"""A restored state is the state it was made of: for any orders, at any place, and for whatever comes after."""

from __future__ import annotations

import tempfile
from pathlib import Path

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import Ledger, LedgerError, commands
from ledger.credits.accounts import Account
from ledger.credits.approvals import PendingApproval
from ledger.credits.snapshots import take_snapshot
from ledger.credits.state import CreditState
from ledger.tests.credits.orders import Desk
from ledger.tests.credits.test_properties import orders as credit_orders
from ledger.tests.snapshots.reopening import reopened, snapshot_files

SEAL = "seal"
breakers = st.builds(
    commands.RecordBreaker, endpoint=st.sampled_from(["e1", "e2"]), is_open=st.booleans(), reason=st.just("hangs")
)
approvals = st.builds(
    commands.CancelApproval,
    request=st.sampled_from(["n-0", "n-1"]),
    by=st.just("ann"),
    reason=st.just("no longer needed"),
)
steps = st.lists(st.one_of(credit_orders, breakers, approvals, st.just(SEAL)), min_size=4, max_size=30)


def carry_out(desk: Desk, sequence: list[commands.CreditCommand | str]) -> None:
    """Orders that are refused change nothing; behind a seal a snapshot is taken."""
    for order in sequence:
        if isinstance(order, str):
            desk.ledger.journal.seal()
            take_snapshot(path=desk.path)
            continue
        try:
            desk.order(order)
        except LedgerError:
            continue


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps, steps)
def test_a_snapshot_and_the_tail_come_to_what_a_full_replay_comes_to(
    first: list[commands.CreditCommand | str], second: list[commands.CreditCommand | str]
) -> None:
    """Row by row, in the same order, through any number of seals; and again after more orders on the restored state."""
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(Path(directory) / "journal", segment_bytes=8192)
        for sequence in (first, second):
            carry_out(desk, sequence)
            live = (desk.ledger.state_digest(), list(desk.ledger._state.rows()))
            desk.reopen()
            full = Ledger.open(path=desk.path, read_only=True, from_snapshot=False)

            assert live == (desk.ledger.state_digest(), list(desk.ledger._state.rows()))
            assert live == (full.state_digest(), list(full._state.rows()))
            assert desk.ledger.agents() == full.agents()
            assert [*desk.ledger.approvals()] == [*full.approvals()]
            assert desk.ledger.status.warnings == full.status.warnings == ()
            full.close()
        desk.ledger.close()
        assert reopened(desk.path).began_behind > 0 or not snapshot_files(desk.path)


@settings(max_examples=25, deadline=None)
@given(steps)
def test_a_state_written_down_behind_any_event_goes_on_as_if_it_had_not_been(
    sequence: list[commands.CreditCommand | str],
) -> None:
    """Through JSON and back behind every single event; then the rest of the events."""
    with tempfile.TemporaryDirectory() as directory:
        desk = Desk(Path(directory) / "journal")
        carry_out(desk, [order for order in sequence if order is not SEAL])
        events = list(desk.ledger.events())
        rows, digest = list(desk.ledger._state.rows()), desk.ledger.state_digest()
        desk.ledger.close()
    until = CreditState()
    for count, event in enumerate(events, 1):
        until.apply(event)
        restored = CreditState()
        restored.restore([orjson.loads(orjson.dumps(row)) for row in until.rows()])
        for later in events[count:]:
            restored.apply(later)

        assert (list(restored.rows()), restored.digest()) == (rows, digest)


def test_whoever_gives_the_state_another_field_comes_here_first() -> None:
    """Write it into `rows`, read it in `restore`, raise `CreditState.schema`, and then change these lists."""
    kept = {name for name in vars(CreditState()) if not name.startswith("_")}

    assert CreditState.schema == 2
    assert kept == {"accounts", "pending", "decided", "eoc", "depths", "open_breakers"}
    assert Account.__slots__ == ("balance_micros", "rewarded_micros", "skill_ppm", "spent")
    assert " ".join(PendingApproval._fields) == (
        "request seq action_type risk_level context requester amount_micros approvals_needed requested_at expires_at "
        "approvers"
    )

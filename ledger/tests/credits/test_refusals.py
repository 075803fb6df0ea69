"""Refusals: each has its reason, and none leaves an event or changes the state."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger import Conflict, IdempotencyMismatch, commands
from ledger.credits import errors
from ledger.credits.amounts import AMOUNT_MICROS_MAX, TOTAL_MICROS_MAX
from ledger.tests.credits.orders import CREDIT, Desk

ONE = CREDIT
Make = Callable[[int], commands.CreditCommand]

WITH_AMOUNT: list[Make] = [
    lambda micros: commands.CreateAgent(agent="new", initial_micros=micros),
    lambda micros: commands.Consume(agent="ann", amount_micros=micros, reason="work"),
    lambda micros: commands.Refund(agent="ann", amount_micros=micros, reason="work"),
    lambda micros: commands.AddCredits(agent="ann", amount_micros=micros, reason="work"),
    lambda micros: commands.Withdraw(agent="ann", amount_micros=micros, reason="a good reason"),
    lambda micros: commands.Transfer(payer="ann", payee="bob", amount_micros=micros, reason="work"),
    lambda micros: commands.RequestApproval(
        request="r", action_type="spend", risk_level="LOW", context="c", requester="ann", amount_micros=micros
    ),
    lambda micros: commands.RecordCollaboration(
        collaboration="c", agents=("ann", "bob"), mission="m", contributions_ppm=(1, 1), reward_micros=micros
    ),
    lambda micros: commands.RecordReuse(
        reuse="r",
        source_agent="ann",
        reusing_agent="bob",
        artifact="x",
        artifact_type="code",
        similarity_ppm=900_000,
        original_allocation_micros=micros,
    ),
]
NO_AMOUNTS: list[object] = [0, -1, True, 1.5, float("nan"), float("inf"), "5"]


@pytest.mark.parametrize("make", WITH_AMOUNT)
@pytest.mark.parametrize("micros", NO_AMOUNTS)
def test_no_command_carries_an_amount_that_is_no_positive_integer(desk: Desk, make: Make, micros: object) -> None:
    """Zero, negative numbers, NaN, infinity, floats and texts."""
    with desk.assert_refused(errors.InvalidAmount):
        desk.order(make(micros))  # type: ignore[arg-type]


@pytest.mark.parametrize("make", WITH_AMOUNT)
def test_no_command_carries_an_amount_past_two_to_the_fifty_third(desk: Desk, make: Make) -> None:
    """It has its own refusal."""
    with desk.assert_refused(errors.AmountTooLarge):
        desk.order(make(AMOUNT_MICROS_MAX + 1))


@pytest.mark.parametrize("skill_ppm", [-1, 1_000_001, 10_000_000, 0.5, True, "1"])
def test_a_skill_outside_zero_to_one_is_refused(desk: Desk, skill_ppm: object) -> None:
    """The original accepted a skill of 10."""
    with desk.assert_refused(errors.InvalidSkill):
        desk.order(commands.CreateAgent(agent="ann", skill_ppm=skill_ppm))  # type: ignore[arg-type]


def test_an_agent_created_again_keeps_its_balance(desk: Desk) -> None:
    """Another key, or the same key with other content, creates nothing; the same key and content answers again."""
    first = desk.order(commands.CreateAgent(agent="ann"), key="create")
    desk.consume("ann", 5)

    with desk.assert_refused(errors.AgentExists):
        desk.order(commands.CreateAgent(agent="ann"))
    with pytest.raises(IdempotencyMismatch):
        desk.order(commands.CreateAgent(agent="ann", skill_ppm=1), key="create")
    again = desk.order(commands.CreateAgent(agent="ann"), key="create")

    assert again.is_repeated
    assert again.balance_micros == first.balance_micros == 115 * CREDIT
    assert desk.ledger.balance("ann") == 110 * CREDIT


@pytest.mark.parametrize(
    "spend",
    [
        commands.Consume(agent="ann", amount_micros=10 * ONE + 1, reason="work"),
        commands.Transfer(payer="ann", payee="bob", amount_micros=10 * ONE + 1, reason="work"),
        commands.Withdraw(agent="ann", amount_micros=10 * ONE + 1, reason="a good reason"),
    ],
)
def test_nobody_spends_more_than_there_is(desk: Desk, spend: commands.CreditCommand) -> None:
    """Not one micro-credit more; the refusal speaks of credits."""
    desk.open_account("ann", 10)
    desk.open_account("bob", 10)

    with desk.assert_refused(errors.InsufficientCredits) as refused:
        desk.order(spend)

    assert str(refused.value) == "The agent ann has 10.000000 credits, 10.000001 were asked for."


@pytest.mark.parametrize("make", WITH_AMOUNT[1:6])
def test_an_agent_that_does_not_exist_can_do_nothing(desk: Desk, make: Make) -> None:
    """Credits do not come from a name."""
    with desk.assert_refused(errors.UnknownAgent):
        desk.order(make(ONE))


@pytest.mark.parametrize("make", WITH_AMOUNT[7:])
def test_synergy_with_an_agent_that_does_not_exist_is_refused(desk: Desk, make: Make) -> None:
    """Neither partner may be made up."""
    desk.open_account("ann")
    with desk.assert_refused(errors.UnknownAgent):
        desk.order(make(ONE))


@pytest.mark.parametrize("agent", ["", " ann", "ann ", "a\nb", "a\u200bb", "x" * 129, "é" * 65, "e\u0301", 5, None])
def test_names_that_cannot_be_told_apart_are_refused(desk: Desk, agent: object) -> None:
    """Empty, padded, invisible, over 128 bytes, or another spelling of the same letters."""
    with desk.assert_refused(errors.InvalidIdentifier):
        desk.order(commands.CreateAgent(agent=agent))  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001, "a\0b", "\ud800", None, 7])
def test_a_reason_must_be_a_text_that_can_be_stored(desk: Desk, reason: object) -> None:
    """Blank, too long, with NUL or half a character."""
    desk.open_account("ann")

    with desk.assert_refused(errors.InvalidText):
        desk.order(commands.Consume(agent="ann", amount_micros=ONE, reason=reason))  # type: ignore[arg-type]


def test_a_withdrawal_needs_a_reason_of_ten_characters(desk: Desk) -> None:
    """Spaces around it do not count."""
    desk.open_account("ann")

    with desk.assert_refused(errors.ReasonTooShort):
        desk.order(commands.Withdraw(agent="ann", severity="low", reason="  because  "))


@pytest.mark.parametrize("severity", ["huge", None])
def test_a_withdrawal_needs_an_amount_or_a_known_severity(desk: Desk, severity: str | None) -> None:
    """Exactly one of the two."""
    desk.open_account("ann")

    with desk.assert_refused(errors.InvalidChoice):
        desk.order(commands.Withdraw(agent="ann", severity=severity, reason="a good reason"))
    with desk.assert_refused(errors.InvalidChoice):
        desk.order(commands.Withdraw(agent="ann", severity="low", amount_micros=1, reason="a good reason"))


def test_a_share_of_almost_nothing_is_no_withdrawal(desk: Desk) -> None:
    """Ten per cent of nine micro-credits is less than one."""
    desk.order(commands.CreateAgent(agent="ann", initial_micros=9))

    with desk.assert_refused(errors.NothingToWithdraw):
        desk.order(commands.Withdraw(agent="ann", severity="low", reason="a good reason"))


@pytest.mark.parametrize("hours_ppm", [0, -1, 8_760_000_001, 1.5])
def test_regeneration_takes_a_real_span_of_time(desk: Desk, hours_ppm: object) -> None:
    """More than nothing, at most a year."""
    desk.open_account("ann")

    with desk.assert_refused(errors.InvalidCount):
        desk.order(commands.Regenerate(agent="ann", hours_ppm=hours_ppm))  # type: ignore[arg-type]


def test_a_transfer_to_oneself_is_refused(desk: Desk) -> None:
    """It would only make noise in the journal."""
    desk.open_account("ann")

    with desk.assert_refused(errors.SameAccount):
        desk.order(commands.Transfer(payer="ann", payee="ann", amount_micros=1, reason="work"))


def test_no_account_passes_sixty_three_bits(desk: Desk) -> None:
    """Totals end before integers do."""
    desk.open_account("ann")
    account = desk.ledger.journal.query(lambda: desk.ledger._state.accounts["agent:ann"])
    account.balance_micros = TOTAL_MICROS_MAX - 5

    with desk.assert_refused(errors.TotalTooLarge):
        desk.order(commands.AddCredits(agent="ann", amount_micros=6, reason="work"))


@pytest.mark.parametrize(
    ("account", "command"),
    [
        ("system:issuance", commands.AddCredits(agent="ann", amount_micros=6, reason="work")),
        ("system:issuance", commands.CreateAgent(agent="new")),
        (
            "system:reward",
            commands.RecordCollaboration(
                collaboration="c", agents=("ann", "bob"), mission="m", contributions_ppm=(1, 1)
            ),
        ),
    ],
)
def test_no_system_account_passes_sixty_three_bits_below_zero(
    desk: Desk, account: str, command: commands.CreditCommand
) -> None:
    """The side that pays has an end as well."""
    desk.open_account("ann")
    desk.open_account("bob")
    accounts = desk.ledger.journal.query(lambda: desk.ledger._state.accounts)
    accounts[account].balance_micros = -TOTAL_MICROS_MAX + 5

    with desk.assert_refused(errors.TotalTooLarge):
        desk.order(command)


@pytest.mark.parametrize("mission", ["", " m", 5])
@pytest.mark.parametrize("make", [commands.Consume, commands.Refund])
def test_a_mission_is_a_name_or_none(desk: Desk, make: type[commands.Consume], mission: object) -> None:
    """Not an empty text."""
    desk.open_account("ann")

    with desk.assert_refused(errors.InvalidIdentifier):
        desk.order(make(agent="ann", amount_micros=ONE, reason="work", mission=mission))  # type: ignore[arg-type]


def test_a_refund_may_name_its_mission(desk: Desk) -> None:
    """It stands in the event."""
    desk.open_account("ann")

    answer = desk.order(commands.Refund(agent="ann", amount_micros=ONE, reason="work", mission="m-1"))

    assert answer.events[0].data["mission"] == "m-1"


def test_a_command_without_a_key_is_refused(desk: Desk) -> None:
    """A retry could not be told from a second order."""
    with desk.assert_refused(errors.MissingKey):
        desk.order(commands.CreateAgent(agent="ann"), key="")


def test_the_same_key_with_another_order_is_a_mismatch(desk: Desk) -> None:
    """The key belongs to the first order for ever."""
    desk.open_account("ann")
    desk.order(commands.Consume(agent="ann", amount_micros=ONE, reason="work"), key="k")

    with pytest.raises(IdempotencyMismatch):
        desk.order(commands.Consume(agent="ann", amount_micros=2 * ONE, reason="work"), key="k")

    assert desk.ledger.balance("ann") == 999 * CREDIT


def test_an_expected_version_that_has_passed_is_a_conflict(desk: Desk) -> None:
    """Compare and set on an agent's stream."""
    desk.open_account("ann")
    order = commands.Consume(agent="ann", amount_micros=ONE, reason="work")
    desk.order(order, expected=("agent:ann", 2))

    with pytest.raises(Conflict):
        desk.order(order, expected=("agent:ann", 2))

    assert desk.ledger.balance("ann") == 999 * CREDIT


def test_what_is_no_credit_command_is_refused(desk: Desk) -> None:
    """A base class orders nothing."""

    class Unheard(commands.CreditCommand):
        name = "unheard"

    with pytest.raises(errors.UnknownCommand):
        desk.order(Unheard())


@pytest.mark.parametrize("answer", ["no", 0, 1, None])
def test_a_decision_is_yes_or_no(desk: Desk, answer: object) -> None:
    """The text "no" must not count as yes."""
    with desk.assert_refused(errors.InvalidChoice):
        decision = commands.DecideApproval(
            request="r",
            approver="bob",
            is_approval=answer,  # type: ignore[arg-type]
            justification="because of that",
        )
        desk.order(decision)
    with desk.assert_refused(errors.InvalidChoice):
        desk.order(commands.RecordBreaker(is_open=answer, endpoint="e", reason="r"))  # type: ignore[arg-type]


def test_what_is_recorded_once_expects_nothing_else(desk: Desk) -> None:
    """A collaboration stands in a new stream of its own."""
    desk.open_account("ann")
    desk.open_account("bob")
    order = commands.RecordCollaboration(
        collaboration="c", agents=("ann", "bob"), mission="m", contributions_ppm=(1, 1)
    )

    with desk.assert_refused(errors.InvalidChoice):
        desk.order(order, expected=("agent:ann", 2))
    desk.order(order, expected=("collaboration:c", 0))


@pytest.mark.parametrize("depth", [-1, 10**9 + 1, 1.0, True])
def test_a_queue_depth_is_a_whole_number(desk: Desk, depth: object) -> None:
    """From zero to a thousand million."""
    with desk.assert_refused(errors.InvalidCount):
        desk.order(commands.SampleEoc(queue_depth=depth))  # type: ignore[arg-type]


def test_reading_what_does_not_exist_says_so(desk: Desk) -> None:
    """An account and an approval."""
    with pytest.raises(errors.UnknownAgent):
        desk.ledger.balance("nobody")
    with pytest.raises(errors.UnknownApproval):
        desk.ledger.approval("nothing")

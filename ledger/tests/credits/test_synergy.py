"""Synergy: working together is rewarded, at most 500 credits per agent for life, and every cut is on record."""

from __future__ import annotations

import pytest

from ledger import commands
from ledger.credits import errors
from ledger.tests.credits.orders import CREDIT, Desk


def team(desk: Desk, *names: str) -> None:
    """Agents with 100 credits each."""
    for name in names:
        desk.open_account(name, 100)


def collaboration(name: str, **more: object) -> commands.RecordCollaboration:
    """Ann and bob, three to one."""
    values: dict[str, object] = {
        "collaboration": name,
        "agents": ("ann", "bob"),
        "mission": "m-1",
        "contributions_ppm": (750_000, 250_000),
    }
    return commands.RecordCollaboration(**{**values, **more})  # type: ignore[arg-type]


def reuse(name: str, **more: object) -> commands.RecordReuse:
    """Bob reuses what ann made for 100 credits."""
    values: dict[str, object] = {
        "reuse": name,
        "source_agent": "ann",
        "reusing_agent": "bob",
        "artifact": "report-7",
        "artifact_type": "knowledge",
        "similarity_ppm": 950_000,
        "original_allocation_micros": 100 * CREDIT,
    }
    return commands.RecordReuse(**{**values, **more})  # type: ignore[arg-type]


def test_a_collaboration_rewards_each_by_contribution(desk: Desk) -> None:
    """2 x (0.5 + 0.5 x contribution) credits, caused by the recorded collaboration."""
    team(desk, "ann", "bob")

    answer = desk.order(collaboration("c-1"))

    recorded, *rewards = answer.events
    assert recorded.type == "synergy.collaboration_recorded"
    assert [event.data["amount_micros"] for event in rewards] == [1_750_000, 1_250_000]
    assert {event.causation for event in rewards} == {recorded.seq}
    assert answer.rewarded_micros == 3 * CREDIT
    assert desk.ledger.balance("ann") == 101_750_000
    assert desk.ledger.accounts()["system:reward"] == -3 * CREDIT


def test_a_given_total_is_shared_by_contribution(desk: Desk) -> None:
    """Three quarters and one quarter."""
    team(desk, "ann", "bob")

    answer = desk.order(collaboration("c-1", reward_micros=80 * CREDIT))

    assert [event.data["amount_micros"] for event in answer.events[1:]] == [60 * CREDIT, 20 * CREDIT]


def test_the_cap_holds_for_life_and_every_cut_is_on_record(desk: Desk) -> None:
    """The reward that crosses 500 is cut to fit, later ones to nothing; the journal names wanted and granted."""
    team(desk, "ann", "bob")
    desk.order(collaboration("c-1", reward_micros=600 * CREDIT))
    crossing = desk.order(collaboration("c-2", reward_micros=600 * CREDIT))
    desk.reopen()
    beyond = desk.order(collaboration("c-3", reward_micros=600 * CREDIT))

    assert desk.ledger.synergy_rewarded("ann") == 500 * CREDIT
    assert crossing.is_capped
    capped = next(event for event in crossing.events if event.type == "synergy.reward_capped")
    assert (capped.stream, capped.data["wanted_micros"], capped.data["granted_micros"]) == (
        "agent:ann",
        450 * CREDIT,
        50 * CREDIT,
    )
    assert [event.type for event in beyond.events if event.stream == "agent:ann"] == ["synergy.reward_capped"]
    assert desk.ledger.balance("ann") == 600 * CREDIT


def test_a_collaboration_is_rewarded_once(desk: Desk) -> None:
    """The same name under another key is a replay and earns nothing."""
    team(desk, "ann", "bob")
    desk.order(collaboration("c-1"))

    with desk.assert_refused(errors.AlreadyRecorded):
        desk.order(collaboration("c-1"))


def test_a_retried_collaboration_gets_its_answer_again(desk: Desk) -> None:
    """The same key is a retry, not a replay."""
    team(desk, "ann", "bob")
    first = desk.order(collaboration("c-1"), key="k")

    again = desk.order(collaboration("c-1"), key="k")

    assert again.is_repeated
    assert again.rewarded_micros == first.rewarded_micros


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"agents": ("ann", "ann")}, errors.SelfDealing),
        ({"agents": ("ann",), "contributions_ppm": (1,)}, errors.InvalidCount),
        ({"contributions_ppm": (1,)}, errors.InvalidCount),
        ({"contributions_ppm": (1, 1_000_001)}, errors.InvalidShare),
        ({"contributions_ppm": (1, -1)}, errors.InvalidShare),
        ({"contributions_ppm": (0, 0), "reward_micros": 5}, errors.InvalidCount),
        ({"agents": tuple(f"a{n}" for n in range(201)), "contributions_ppm": (1,) * 201}, errors.InvalidCount),
    ],
)
def test_collaborations_that_cannot_be_are_refused(desk: Desk, more: dict[str, object], error: type) -> None:
    """Alone, with oneself, without shares, or with too many."""
    team(desk, "ann", "bob")

    with desk.assert_refused(error):
        desk.order(collaboration("c-1", **more))


def test_reuse_gives_back_the_share_of_the_real_allocation(desk: Desk) -> None:
    """Near duplicate: 95 of 100 credits to the one who reused."""
    team(desk, "ann", "bob")

    answer = desk.order(reuse("r-1"))

    assert answer.rewarded_micros == 95 * CREDIT
    assert answer.events[0].data["tier"] == "near_duplicate"
    assert desk.ledger.balance("bob") == 195 * CREDIT
    assert desk.ledger.synergy_rewarded("ann") == 0


def test_reuse_counts_into_the_same_cap(desk: Desk) -> None:
    """Collaboration and reuse share one life."""
    team(desk, "ann", "bob")
    desk.order(collaboration("c-1", reward_micros=1_960 * CREDIT))

    answer = desk.order(reuse("r-1"))

    assert (answer.rewarded_micros, answer.is_capped) == (10 * CREDIT, True)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"reusing_agent": "ann"}, errors.SelfDealing),
        ({"similarity_ppm": 499_999}, errors.NotReusable),
        ({"similarity_ppm": 1_000_001}, errors.InvalidShare),
        ({"artifact_type": "song"}, errors.InvalidChoice),
        ({"source_agent": "nobody"}, errors.UnknownAgent),
    ],
)
def test_reuse_that_is_none_is_refused(desk: Desk, more: dict[str, object], error: type) -> None:
    """Of the own work, of something else, or of nobody's."""
    team(desk, "ann", "bob")

    with desk.assert_refused(error):
        desk.order(reuse("r-1", **more))


def test_a_ring_of_agents_cannot_reward_itself_past_the_cap(desk: Desk) -> None:
    """Everybody reuses everybody's work: nobody gets more than 500."""
    names = ["ann", "bob", "cat"]
    team(desk, *names)
    for turn in range(20):
        source, user = names[turn % 3], names[(turn + 1) % 3]
        desk.order(reuse(f"r-{turn}", source_agent=source, reusing_agent=user))

    assert {desk.ledger.synergy_rewarded(name) for name in names} == {500 * CREDIT}
    assert sum(desk.ledger.accounts().values()) == 0


def test_a_reward_that_would_overflow_refuses_the_whole_collaboration(desk: Desk) -> None:
    """All or nothing: nobody is rewarded for half a collaboration."""
    team(desk, "ann", "bob")
    desk.ledger.journal.query(lambda: setattr(desk.ledger._state.accounts["agent:bob"], "balance_micros", 2**63 - 2))

    with desk.assert_refused(errors.TotalTooLarge):
        desk.order(collaboration("c-1"))

"""Edge of chaos: the score against its formula, the controller against its table, and no trembling on a border."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from ledger import commands
from ledger.credits import eoc
from ledger.credits.eoc import EocReading, EocState
from ledger.tests.credits.orders import CREDIT, Desk


def reading(state: EocState, outside_count: int = 0) -> EocReading:
    """A controller in this state."""
    return EocReading(
        ci_ppm=600_000, multiplier_ppm=1_000_000, state=state, sample_count=64, outside_count=outside_count
    )


def chaotic_depths() -> list[int]:
    """64 depths, all different, with a few wild ones: the score lies above 0.85."""
    return [*range(60), 30_000, 40_000, 50_000, 60_000]


def calm_depths(seed: int = 7) -> list[int]:
    """64 depths around 20: the score lies between 0.5 and 0.7."""
    source = random.Random(seed)
    return [max(0, round(source.gauss(20, 9))) for _ in range(64)]


@pytest.mark.parametrize(
    ("depths", "ci_ppm"),
    [
        ([5] * 64, 0),
        ([0] * 10, 0),
        ([0, 2] * 16, 350_000),
        (list(range(32)), 686_655),
        ([1] * 9, None),
    ],
)
def test_the_score_is_half_entropy_and_half_spread(depths: Sequence[int], ci_ppm: int | None) -> None:
    """A constant queue scores 0, two equal states 0.1 + 0.25, 32 different depths 0.5 and their spread."""
    assert eoc.ci_score_ppm(depths) == ci_ppm


@pytest.mark.parametrize(
    ("ci_ppm", "multiplier_ppm"),
    [
        (None, 800_000),
        (0, 1_500_000),
        (200_000, 1_500_000),
        (300_000, 1_500_000),
        (400_000, 1_250_000),
        (500_000, 1_000_000),
        (600_000, 1_000_000),
        (700_000, 1_000_000),
        (750_000, 833_333),
        (800_000, 666_667),
        (850_000, 500_000),
        (900_000, 500_000),
        (1_000_000, 500_000),
    ],
)
def test_the_multiplier_follows_its_table(ci_ppm: int | None, multiplier_ppm: int) -> None:
    """The eleven points of the decision, and flat ends."""
    assert eoc.multiplier_ppm(ci_ppm=ci_ppm) == multiplier_ppm


@pytest.mark.parametrize(
    ("ci_ppm", "state"),
    [
        (299_999, EocState.FROZEN),
        (300_000, EocState.TOO_ORDERED),
        (499_999, EocState.TOO_ORDERED),
        (500_000, EocState.OPTIMAL),
        (700_000, EocState.OPTIMAL),
        (700_001, EocState.TOO_CHAOTIC),
        (850_000, EocState.TOO_CHAOTIC),
        (850_001, EocState.TURBULENT),
    ],
)
def test_every_score_belongs_to_one_state(ci_ppm: int, state: EocState) -> None:
    """The borders belong to the calmer side."""
    assert eoc.state_of(ci_ppm=ci_ppm) is state


def test_a_state_is_left_at_the_third_sample_outside() -> None:
    """One wild sample changes nothing, three in a row do."""
    now = reading(EocState.OPTIMAL)
    states = []
    for _ in range(3):
        now = eoc.next_reading(reading=now, depths=chaotic_depths())
        states.append((now.state, now.multiplier_ppm))

    assert states == [
        (EocState.OPTIMAL, 1_000_000),
        (EocState.OPTIMAL, 1_000_000),
        (EocState.TURBULENT, 500_000),
    ]


def test_a_sample_inside_starts_the_count_again() -> None:
    """Two outside, one inside, two outside: still the same state."""
    now = reading(EocState.OPTIMAL)
    for depths in (chaotic_depths(), chaotic_depths(), calm_depths(), chaotic_depths(), chaotic_depths()):
        now = eoc.next_reading(reading=now, depths=depths)

    assert now.state is EocState.OPTIMAL
    assert now.outside_count == 2


@pytest.mark.parametrize("state", [EocState.OPTIMAL, EocState.TOO_CHAOTIC])
def test_a_score_that_trembles_on_a_border_changes_nothing(state: EocState) -> None:
    """Series whose scores lie within 0.02 on both sides of 0.7: both neighbours keep their state for ever."""
    series = [depths for spread in range(300) if 681_000 < score(depths := trembling(spread)) < 719_000]
    assert min(map(score, series)) < 699_000 < 701_000 < max(map(score, series))

    now = reading(state)
    for depths in series * 3:
        now = eoc.next_reading(reading=now, depths=depths)
        assert now.state is state


def trembling(spread: int) -> list[int]:
    """32 equal neighbours and one that is further and further away."""
    return [*range(20, 51), 50 + spread]


def score(depths: Sequence[int]) -> int:
    """The score of a full series."""
    found = eoc.ci_score_ppm(depths)
    assert found is not None
    return found


def test_samples_become_events_and_a_change_is_regulated(desk: Desk) -> None:
    """Below ten samples there is no score and 0.8; then the state is named, with what it asks for."""
    for depth in range(9):
        assert desk.order(commands.SampleEoc(queue_depth=depth)).multiplier_ppm == 800_000

    answer = desk.order(commands.SampleEoc(queue_depth=9))

    sampled, regulated = answer.events
    assert sampled.data["ci_ppm"] == desk.ledger.eoc().ci_ppm
    assert regulated.type == "eoc.regulated"
    assert (regulated.data["from_state"], regulated.data["state"]) == ("unknown", str(desk.ledger.eoc().state))
    assert regulated.causation == sampled.seq


def test_after_chaos_the_multiplier_is_back_within_twenty_normal_samples(desk: Desk) -> None:
    """The throttle does not spiral: three wild samples throttle until they leave the window, then 1, for good."""
    source = random.Random(11)
    normal = [max(0, round(source.gauss(20, 9))) for _ in range(203)]
    for depth in normal[:64]:
        desk.order(commands.SampleEoc(queue_depth=depth))
    for depth in [30_000, 45_000, 60_000, *normal[64:123]]:
        desk.order(commands.SampleEoc(queue_depth=depth))
    assert desk.ledger.eoc().state is EocState.TURBULENT
    assert desk.ledger.eoc().multiplier_ppm == 500_000

    multipliers = [desk.order(commands.SampleEoc(queue_depth=depth)).multiplier_ppm for depth in normal[123:203]]

    assert set(multipliers[20:]) == {1_000_000}


def test_regeneration_uses_the_multiplier_of_the_moment(desk: Desk) -> None:
    """Without a score it is 0.8: not knowing is no reason to give."""
    desk.open_account("ann", 10)

    answer = desk.order(commands.Regenerate(agent="ann"))

    assert answer.balance_micros == 14 * CREDIT
    assert answer.events[0].data["multiplier_ppm"] == 800_000


@pytest.mark.parametrize(
    ("state", "actions", "is_review_needed"),
    [
        (EocState.UNKNOWN, ("reduce_regeneration",), False),
        (EocState.FROZEN, ("increase_regeneration",), True),
        (EocState.TOO_ORDERED, ("increase_regeneration",), False),
        (EocState.OPTIMAL, (), False),
        (EocState.TOO_CHAOTIC, ("reduce_regeneration", "backpressure"), False),
        (EocState.TURBULENT, ("reduce_regeneration", "backpressure", "throttle_missions"), True),
    ],
)
def test_each_state_asks_for_its_actions(state: EocState, actions: tuple[str, ...], is_review_needed: bool) -> None:
    """What the controller wants, and whether a person should look."""
    assert (reading(state).actions, reading(state).is_review_needed) == (actions, is_review_needed)

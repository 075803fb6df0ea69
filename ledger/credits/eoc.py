"""Edge of chaos: the CI score over the last queue depths, and the controller that turns it into a multiplier.

Score (domain-facts.md 1.13): (N + (1 - s)) / 2 with N the Shannon entropy of the depths / 5 bits, at most 1, and
s = 1 / (1 + coefficient of variation). Controller points, hysteresis and the three samples: decisions.md, Credits.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from ledger.credits.amounts import PPM

SAMPLES_KEPT = 64
SAMPLES_MIN = 10
QUEUE_DEPTH_MAX = 10**9
HYSTERESIS_PPM = 20_000
SAMPLES_TO_CONFIRM = 3
MULTIPLIER_UNKNOWN_PPM = 800_000
_ENTROPY_BITS = 5

_POINTS = (
    (200_000, 1_500_000),
    (300_000, 1_500_000),
    (400_000, 1_250_000),
    (500_000, 1_000_000),
    (700_000, 1_000_000),
    (850_000, 500_000),
    (900_000, 500_000),
)


class EocState(StrEnum):
    """Where the system stands between order and chaos."""

    UNKNOWN = "unknown"
    FROZEN = "frozen"
    TOO_ORDERED = "too_ordered"
    OPTIMAL = "optimal"
    TOO_CHAOTIC = "too_chaotic"
    TURBULENT = "turbulent"


class _Band(NamedTuple):
    """The scores of one state, in millionths, and what the controller asks for there."""

    state: EocState
    low: int
    high: int
    actions: tuple[str, ...]
    is_review_needed: bool


_BANDS = (
    _Band(EocState.FROZEN, 0, 300_000, ("increase_regeneration",), True),
    _Band(EocState.TOO_ORDERED, 300_000, 500_000, ("increase_regeneration",), False),
    _Band(EocState.OPTIMAL, 500_000, 700_000, (), False),
    _Band(EocState.TOO_CHAOTIC, 700_000, 850_000, ("reduce_regeneration", "backpressure"), False),
    _Band(EocState.TURBULENT, 850_000, PPM, ("reduce_regeneration", "backpressure", "throttle_missions"), True),
)
_BAND_OF = {band.state: band for band in _BANDS}


@dataclass(frozen=True, kw_only=True, slots=True)
class EocReading:
    """The controller as it stands: score (None below ten samples), state, multiplier, and what it asks for."""

    ci_ppm: int | None
    multiplier_ppm: int
    state: EocState
    sample_count: int
    outside_count: int

    @property
    def actions(self) -> tuple[str, ...]:
        """What the state asks for; without a score regeneration is reduced: not knowing is no reason to give."""
        return _BAND_OF[self.state].actions if self.state in _BAND_OF else ("reduce_regeneration",)

    @property
    def is_review_needed(self) -> bool:
        """Whether a person should look."""
        return self.state in _BAND_OF and _BAND_OF[self.state].is_review_needed


NO_READING = EocReading(
    ci_ppm=None, multiplier_ppm=MULTIPLIER_UNKNOWN_PPM, state=EocState.UNKNOWN, sample_count=0, outside_count=0
)


def ci_score_ppm(depths: Sequence[int]) -> int | None:
    """The CI score of these queue depths in millionths; None below ten samples."""
    count = len(depths)
    if count < SAMPLES_MIN:
        return None
    entropy = -sum(n / count * math.log2(n / count) for n in Counter(depths).values())
    mean = sum(depths) / count
    variation = math.sqrt(sum((depth - mean) ** 2 for depth in depths) / count) / mean if mean else 0.0
    spread = min(entropy / _ENTROPY_BITS, 1.0)
    return round((spread + 1 - 1 / (1 + variation)) / 2 * PPM)


def multiplier_ppm(*, ci_ppm: int | None) -> int:
    """The multiplier the table gives for a score: straight lines between its points, flat outside them."""
    if ci_ppm is None:
        return MULTIPLIER_UNKNOWN_PPM
    if ci_ppm <= _POINTS[0][0]:
        return _POINTS[0][1]
    for (low, at_low), (high, at_high) in pairwise(_POINTS):
        if ci_ppm <= high:
            return at_low + round((at_high - at_low) * (ci_ppm - low) / (high - low))
    return _POINTS[-1][1]


def state_of(*, ci_ppm: int) -> EocState:
    """The state a score belongs to: below 0.3, below 0.5, up to 0.7, up to 0.85, above."""
    if ci_ppm < 300_000:
        return EocState.FROZEN
    if ci_ppm < 500_000:
        return EocState.TOO_ORDERED
    if ci_ppm <= 700_000:
        return EocState.OPTIMAL
    return EocState.TOO_CHAOTIC if ci_ppm <= 850_000 else EocState.TURBULENT


def next_reading(*, reading: EocReading, depths: Sequence[int]) -> EocReading:
    """The controller after one more sample; `depths` are the last 64 with the new one at the end.

    A state is left when three samples in a row lie more than 0.02 outside its band, so a score that trembles on a
    border changes nothing. The multiplier follows the score inside the band of the confirmed state only.
    """
    score = ci_score_ppm(depths)
    if score is None:
        return EocReading(
            ci_ppm=None,
            multiplier_ppm=MULTIPLIER_UNKNOWN_PPM,
            state=EocState.UNKNOWN,
            sample_count=len(depths),
            outside_count=0,
        )
    state, outside = reading.state, 0
    if state is EocState.UNKNOWN:
        state = state_of(ci_ppm=score)
    elif _is_outside(score, _BAND_OF[state]):
        outside = reading.outside_count + 1
        if outside >= SAMPLES_TO_CONFIRM:
            state, outside = state_of(ci_ppm=score), 0
    band = _BAND_OF[state]
    return EocReading(
        ci_ppm=score,
        multiplier_ppm=multiplier_ppm(ci_ppm=min(max(score, band.low), band.high)),
        state=state,
        sample_count=len(depths),
        outside_count=outside,
    )


def _is_outside(score: int, band: _Band) -> bool:
    return score < band.low - HYSTERESIS_PPM or score > band.high + HYSTERESIS_PPM

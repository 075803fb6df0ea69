"""Queue depths as ml_chaos feeds them, and what the ledger's controller should make of them, computed for itself.

The CI score (domain facts 1.13) is (N + 1 - s) / 2, with N the Shannon entropy of the last 64 depths over 5 bits,
at most 1, and s = 1 / (1 + coefficient of variation).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, NamedTuple

from testruns.scenarios.stage.context import seeded
from testruns.scenarios.stage.reading import Record

ORDINARY: Final = "ordinary"
BURST: Final = "burst"
RECOVERY: Final = "recovery"
SAMPLES: Final = {ORDINARY: 80, BURST: 50, RECOVERY: 60}
"""The burst itself leaves the window of 64 samples 14 samples after its phase, so 20 are enough to recover in."""
BURST_DEPTH: Final = 1_000_000
WINDOW: Final = 64
SAMPLES_MIN: Final = 10
ENTROPY_BITS: Final = 5
CHAOS_PPM: Final = 850_000
THROTTLED_PPM: Final = 500_000
UNITY_PPM: Final = 1_000_000
RECOVERED_WITHIN: Final = 20
_WAVE_SAMPLES: Final = 13


def depths(*, seed: int) -> list[tuple[str, int]]:
    """The phases with their depths: a queue that breathes, one burst with a restless time after it, breathing again.

    Tried over 3000 seeds: the ordinary score stays within 0.42 to 0.67, the burst reaches at least 0.88, and the
    multiplier is back at 1 after 16 samples.
    """
    chance = seeded(seed, "ml_chaos", "queue")
    offset = chance.random() * _WAVE_SAMPLES
    series: list[tuple[str, int]] = []
    recent: deque[int] = deque(maxlen=SAMPLES_MIN - 1)
    for phase, count in SAMPLES.items():
        for number in range(count):
            if phase == BURST:
                depth = chance.randint(0, 26) if number else BURST_DEPTH
            else:
                depth = _breathe(chance, len(series) + offset, recent)
            recent.append(depth)
            series.append((phase, depth))
    return series


def _breathe(chance: Random, moment: float, recent: Iterable[int]) -> int:
    """A depth of the ordinary queue: a wave with noise that does not repeat one of the last nine values."""
    while True:
        wave = 13 + 7 * math.sin(2 * math.pi * moment / _WAVE_SAMPLES)
        depth = max(0, round(wave + chance.gauss(0, 4)))
        if depth not in recent:
            return depth


def score_ppm(window: Sequence[int]) -> int | None:
    """The CI score of these depths in millionths, None below ten."""
    if len(window) < SAMPLES_MIN:
        return None
    shares = [count / len(window) for count in Counter(window).values()]
    entropy = sum(share * math.log2(1 / share) for share in shares)
    mean = math.fsum(window) / len(window)
    deviation = math.sqrt(math.fsum((depth - mean) ** 2 for depth in window) / len(window))
    synchronicity = 1 / (1 + deviation / mean) if mean else 1.0
    return round(UNITY_PPM * (min(1.0, entropy / ENTROPY_BITS) + 1 - synchronicity) / 2)


class QueueSample(NamedTuple):
    """One sample: what the ledger recorded, and the score it should have recorded."""

    phase: str
    stated_ppm: int | None
    expected_ppm: int | None
    multiplier_ppm: int


class QueueSamples:
    """The samples and marks of a journal, in order."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.marked: set[str] = set()
        self._samples: list[QueueSample] = []
        self._window: deque[int] = deque(maxlen=WINDOW)

    def note(self, record: Record) -> None:
        """Look at one record."""
        if record.type == "anomaly.detected":
            self.marked.add(record.correlation)
        elif record.type == "eoc.sampled":
            data = record.data
            self._window.append(data["queue_depth"])
            self._samples.append(
                QueueSample(
                    phase=str(record.key).split(":")[1],
                    stated_ppm=data.get("ci_ppm"),
                    expected_ppm=score_ppm(self._window),
                    multiplier_ppm=data["multiplier_ppm"],
                )
            )

    def scores_of(self, phase: str) -> list[int]:
        """Every score of a phase, stated and expected; a missing statement counts as 0."""
        scored = [each for each in self._samples if each.phase == phase and each.expected_ppm is not None]
        return [ppm for each in scored for ppm in (each.stated_ppm or 0, each.expected_ppm or 0)]

    @property
    def drift_ppm_max(self) -> int:
        """Largest difference between a stated and an expected score."""
        return max((abs((each.stated_ppm or 0) - (each.expected_ppm or 0)) for each in self._samples), default=0)

    def has_recovered(self) -> bool:
        """Whether the burst was throttled, and the multiplier came back to 1 within 20 samples after it and stayed."""
        burst = [each for each in self._samples if each.phase == BURST]
        after = [each.multiplier_ppm == UNITY_PPM for each in self._samples if each.phase == RECOVERY]
        was_throttled = any(each.multiplier_ppm == THROTTLED_PPM for each in burst)
        was_chaotic = any((each.expected_ppm or 0) > CHAOS_PPM for each in burst)
        return was_chaotic and was_throttled and len(after) > RECOVERED_WITHIN and all(after[RECOVERED_WITHIN:])

"""At most 600 points for the charts, however long a run takes: neighbours are merged, peaks are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

from .limits import SAMPLE_POINTS_MAX


@dataclass(kw_only=True, slots=True)
class SamplePoints:
    """Points of equal width in samples; when there are too many, each two become one and the width doubles."""

    points: list[dict[str, int]] = field(default_factory=list)
    width: int = 1
    _taken: int = 0
    _fill: int = 0

    def take(self, samples: list[dict[str, int]]) -> None:
        """Take the samples that came since the last call; `samples` is the whole list so far."""
        for sample in samples[self._taken :]:
            self._add(sample)
        self._taken = len(samples)

    def _add(self, sample: dict[str, int]) -> None:
        if self._fill == 0:
            if len(self.points) == SAMPLE_POINTS_MAX:
                self._halve()
            self.points.append(dict(sample))
        else:
            self.points[-1] = merged(self.points[-1], sample)
        self._fill = (self._fill + 1) % self.width

    def _halve(self) -> None:
        pairs = zip(self.points[0::2], self.points[1::2], strict=True)
        self.points = [merged(earlier, later) for earlier, later in pairs]
        self.width *= 2


def merged(earlier: dict[str, int], later: dict[str, int]) -> dict[str, int]:
    """One point for two neighbours: the larger of each. Counters are totals since the start, so the larger is the later
    one; of latency, memory and noise the peak is what a person must not miss."""
    return {
        name: max(earlier.get(name, later.get(name, 0)), later.get(name, earlier.get(name, 0)))
        for name in {**earlier, **later}
    }

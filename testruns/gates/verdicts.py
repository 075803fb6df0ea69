"""Verdicts: the five answers a rule, a gate or a scenario can get, and which of them is worse."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """The answer to a rule, ordered from best to worst (governance.md 1: worst wins).

    WAIVED is never produced by the judge and never stored with a result: a release request lays valid waivers over
    the results and counts again.
    """

    PASS = "PASS"  # noqa: S105  # a verdict, not a password
    WAIVED = "WAIVED"
    INCONCLUSIVE = "INCONCLUSIVE"
    ERROR = "ERROR"
    FAIL = "FAIL"

    @property
    def rank(self) -> int:
        """0 for the best verdict, 4 for the worst."""
        return _RANKS[self]


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of the verdicts; of none at all INCONCLUSIVE, because nothing was asked and so nothing holds."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.INCONCLUSIVE)

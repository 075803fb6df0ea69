"""What KARMA said about an agent, or that it said nothing: passed into commands and recorded with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.credits.amounts import PPM
from ledger.credits.policy import KARMA_FALLBACK_CI_PPM


class KarmaFailure(StrEnum):
    """Why there is no score."""

    NOT_CONFIGURED = "not_configured"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BAD_STATUS = "bad_status"
    GARBAGE = "garbage"
    BREAKER_OPEN = "breaker_open"


@dataclass(frozen=True, kw_only=True, slots=True)
class KarmaReading:
    """A score of 0-100 as millionths of 100, the CI score in millionths, and whether both are only the fallback.

    A fallback carries no score, CI 0.5 and the reason it was needed.
    """

    ci_ppm: int
    score_ppm: int | None = None
    is_fallback: bool = False
    reason: KarmaFailure | None = None

    def __post_init__(self) -> None:
        assert 0 <= self.ci_ppm <= PPM
        assert self.is_fallback == (self.score_ppm is None) == (self.reason is not None)


def fallback_reading(*, reason: KarmaFailure) -> KarmaReading:
    """What is recorded when KARMA gave no usable answer."""
    return KarmaReading(ci_ppm=KARMA_FALLBACK_CI_PPM, is_fallback=True, reason=reason)

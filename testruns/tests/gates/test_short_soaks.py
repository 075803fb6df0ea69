"""Rule E04 on a soak that is too short for a trend of memory: it says so, with the seconds."""

from __future__ import annotations

import pytest

from testruns.gates.measured import MeasuredExecution
from testruns.gates.verdicts import Verdict
from testruns.tests.gates.builders import execution, judged, outcome_of, sound_run
from testruns.wording import spoken

NO_TREND = {"memory_slope_low": None, "memory_slope": None, "memory_slope_high": None}


def soak(seconds: str | None) -> MeasuredExecution:
    """A soak of so many seconds in which no trend was measured."""
    return execution("load_reality", figures=NO_TREND | {"duration_seconds": seconds})


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        ("30", "no memory trend: the soak of 30 s is not longer than the warm-up of 300 s, which does not count"),
        ("300", "no memory trend: the soak of 300 s is not longer than the warm-up of 300 s, which does not count"),
        ("308", "no memory trend: the soak of 308 s has only 8 s after the warm-up of 300 s, which does not count"),
        ("1800", "load_reality did not report memory_slope"),
        ("NaN", "load_reality did not report memory_slope"),
        (None, "load_reality did not report memory_slope"),
    ],
)
def test_a_soak_without_a_trend_says_why(seconds: str | None, reason: str) -> None:
    """Real figures where the length explains it; a trend that is missing for no reason stays a missing measurement."""
    outcome = outcome_of(judged(sound_run(soak(seconds))), "E04")

    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert spoken(template=outcome.reason, params=outcome.reason_params) == reason


def test_other_rules_of_a_short_soak_do_not_hide_behind_the_warm_up() -> None:
    """Only the trend needs the warm-up: a missing latency is a missing latency."""
    short = execution("load_reality", figures=NO_TREND | {"duration_seconds": "30", "p95_us": None})

    outcome = outcome_of(judged(sound_run(short)), "E03")

    assert spoken(template=outcome.reason, params=outcome.reason_params) == "load_reality did not report p95_us"

"""Numbers of the pages: grouped from a thousand on, measured ones in digits that matter, limits in all of theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from console.templatetags.gatehouse import figure, limit, number
from console.templatetags.releases import left


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (999, "999", "999"),
        (1000, "1,000", "1.000"),
        ("1800", "1,800", "1.800"),
        (-1000, "−1,000", "−1.000"),
        ("1279.5", "1,279.5", "1.279,5"),
        (14_633, "14,633", "14.633"),
    ],
)
def test_every_number_from_a_thousand_on_is_grouped(value: int | str, english: str, german: str) -> None:
    """As sentences and reports write them."""
    with override("en"):
        assert number(value) == english
    with override("de"):
        assert number(value) == german


@pytest.mark.parametrize(
    ("value", "unit", "beside", "said"),
    [
        ("4031", "us", None, "4.03\u202fms"),
        ("275.4", "ms", None, "275\u202fms"),
        ("1287000", "us", None, "1.29\u202fs"),
        ("4646", "operations/s", None, "4,646\u202foperations/s"),
        ("500.4", "ms", "500", "500.4\u202fms"),
        ("NaN", "us", None, "NaN\u202fms"),
    ],
)
def test_a_measured_value_has_digits_that_matter_and_the_exact_one_on_hover(
    value: str, unit: str, beside: str | None, said: str
) -> None:
    """So many that it is told apart from its limit."""
    with override("en"):
        shown = figure(value, unit, beside)

    assert f">{said}<" in shown
    assert f'title="{value} {unit}"' in shown


def test_a_limit_keeps_its_digits_and_its_unit() -> None:
    """It is what somebody wrote into the rules."""
    with override("en"):
        assert ">1,234.5\u202fms<" in limit("1234.5", "ms")
        assert ">2.5\u202f%<" in limit("25000", "ppm")


@pytest.mark.parametrize(("seconds", "said"), [(40, "within a minute"), (-40, "just now"), (-90, "1 minute ago")])
def test_nothing_is_zero_minutes_away(seconds: int, said: str) -> None:
    """Neither before it nor after."""
    with override("en"):
        assert left(timezone.now() + timedelta(seconds=seconds)) == said

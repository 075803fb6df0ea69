"""Saying judged texts: numbers as the language writes them, units beside them, texts within texts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from testruns.wording import plain_decimal, said_error, said_measured, said_operator, said_quantity, spoken


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (0, "0", "0"),
        (1770, "1,770", "1.770"),
        ("1234567.5", "1,234,567.5", "1.234.567,5"),
        (Decimal("-0.002"), "-0.002", "-0,002"),
        ("-1500", "-1,500", "-1.500"),
        (Decimal("0.1234567"), "0.123457", "0,123457"),
        (Decimal("1E+3"), "1,000", "1.000"),
        (Decimal("10.00"), "10", "10"),
        (Decimal("-0.0000"), "0", "0"),
        (Decimal("-0.00000001"), "0", "0"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(value: int | str | Decimal, english: str, german: str) -> None:
    """Grouped thousands, the language's decimal sign, at most six decimals, no empty ones."""
    assert spoken(template="%(n)s", params={"n": value}) == english
    assert spoken(template="%(n)s", params={"n": value}, language="de") == german


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        ("3", "count", "3"),
        ("0.3", "share", "0.3"),
        (1200, "ms", "1,200 ms"),
        (80, "us", "80 µs"),
        ("2.5", "%", "2.5 %"),
        ("5", "micro-credits", "5 micro-credits"),
        (None, "ms", "not measured"),
    ],
)
def test_quantities_carry_their_unit(value: str | int | None, unit: str, said: str) -> None:
    """A count needs no unit; what is missing is said, not printed as 0."""
    assert said_quantity(value, unit=unit) == said


@pytest.mark.parametrize(
    ("value", "unit", "beside", "said"),
    [
        ("4031", "us", None, "4.03 ms"),
        ("63", "us", None, "0.063 ms"),
        ("1234567", "us", None, "1.23 s"),
        ("999.7", "ms", None, "1,000 ms"),
        ("1800.4", "s", None, "1,800 s"),
        ("4646.4", "operations/s", None, "4,646 operations/s"),
        ("52631", "ppm", None, "5.26 %"),
        ("0.026612", "MB/min", None, "0.026612 MB/min"),
        ("123456", "micro-credits", None, "123,456 micro-credits"),
        ("500.4", "ms", "500", "500.4 ms"),
        ("499.96", "ms", "500", "499.96 ms"),
        ("500", "ms", "500", "500 ms"),
        ("2000.04", "ms", "2000", "2.00004 s"),
        ("612.3", "ms", "500", "612 ms"),
        ("0", "us", None, "0 ms"),
        (None, "us", None, "not measured"),
    ],
)
def test_what_was_measured_is_said_in_digits_that_matter(
    value: str | None, unit: str, beside: str | None, said: str
) -> None:
    """Three that count for times, shares and rates, more only where they tell a value apart from its limit."""
    assert said_measured(value, unit=unit, beside=Decimal(beside) if beside else None) == said


@pytest.mark.parametrize(("actual", "said"), [("4.031", "4.03 ms of < 500 ms"), ("500.02", "500.02 ms of < 500 ms")])
def test_a_sentence_that_names_a_limit_says_what_was_measured_beside_it(actual: str, said: str) -> None:
    """The limit itself keeps all of its digits; without one, a quantity is exact."""
    measured = {"value": actual, "unit": "ms"}
    limit = {"value": "500", "unit": "ms", "operator": "<"}

    assert spoken(template="%(actual)s of %(limit)s", params={"actual": measured, "limit": limit}) == said
    assert spoken(template="%(actual)s", params={"actual": measured}) == f"{actual} ms"


def test_a_parameter_that_was_not_measured_says_so() -> None:
    """None is a word of its own in every language."""
    assert spoken(template="load %(n)s", params={"n": None}) == "load not measured"
    assert spoken(template="load %(n)s", params={"n": {"value": None, "unit": "%"}}) == "load not measured"


@pytest.mark.parametrize(
    ("language", "said"), [("en", "at 2026-11-21 03:04:05 UTC"), ("de", "at 21.11.2026 03:04:05 UTC")]
)
def test_a_moment_is_written_as_the_language_writes_times(language: str, said: str) -> None:
    """In UTC and to the second, whatever zone it was stored in."""
    params = {"at": {"moment": "2026-11-21T04:04:05+01:00"}}

    assert spoken(template="at %(at)s", params=params, language=language) == said


def test_a_stored_state_is_said_as_a_word() -> None:
    """Rows judged long ago hold the stored word too."""
    words = {"it is %(state)s": "es ist %(state)s", "abandoned": "verwaist"}

    assert spoken(template="it is %(state)s", params={"state": "ABANDONED"}) == "it is abandoned"
    assert spoken(template="it is %(state)s", params={"state": "ABANDONED"}, translate=words.__getitem__) == (
        "es ist verwaist"
    )


def test_an_error_without_parameters_is_no_template() -> None:
    """What a child said may hold any sign."""
    assert said_error(template="100 % broken", params={}) == "100 % broken"
    assert said_error(template="", params={}) == ""
    assert said_error(template="code %(code)s", params={"code": 3}) == "code 3"


def test_texts_within_texts_are_translated_and_joined() -> None:
    """Lists of texts become one sentence, each part in the reader's language."""
    words = {"missing: %(parts)s": "es fehlt: %(parts)s", "%(n)s s": "%(n)s Sekunden", "rest": "Rest"}
    params = {"parts": [{"template": "%(n)s s", "params": {"n": 1770}}, {"template": "rest"}]}

    said = spoken(template="missing: %(parts)s", params=params, translate=words.__getitem__, language="de")

    assert said == "es fehlt: 1.770 Sekunden; Rest"


def test_names_are_left_as_they_are() -> None:
    """A name is no number, even when it contains digits; percent signs of a template survive."""
    assert spoken(template="100 %% of %(name)s", params={"name": "p95_us"}) == "100 % of p95_us"


def test_a_missing_parameter_is_an_error() -> None:
    """A half sentence is never shown."""
    with pytest.raises(KeyError):
        spoken(template="%(gone)s", params={})


def test_operators_are_written_as_signs() -> None:
    """<= becomes ≤; with a quantity the operator stands in front."""
    assert [said_operator(operator) for operator in ("<", "<=", "=", ">=", ">")] == ["<", "≤", "=", "≥", ">"]
    expected = {"value": "1800", "unit": "s", "operator": ">="}
    assert spoken(template="%(expected)s", params={"expected": expected}) == "≥ 1,800 s"


@pytest.mark.parametrize(
    ("value", "digits"),
    [("1E+3", "1000"), ("0.100", "0.1"), ("100", "100"), ("-0.0000001", "-0.0000001"), ("-0.0000", "0"), ("0", "0")],
)
def test_plain_digits_are_exact(value: str, digits: str) -> None:
    """What is stored loses nothing and has no exponent."""
    assert plain_decimal(Decimal(value)) == digits

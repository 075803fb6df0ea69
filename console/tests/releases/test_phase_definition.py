"""What a phase can be, and how two definitions differ in words."""

from __future__ import annotations

from typing import Any

import pytest

from console.kernel.errors import InvalidInput
from console.phase_definition import CHECK_LABELS, Check, PhaseDefinition, changes, from_json, require_sound
from testruns.wording import spoken

EDGES = [("5a", "6a"), ("5a", "7a"), ("7a", "8a")]
KNOWN = ["5a", "6a", "7a", "8a"]


def definition(**changed: Any) -> PhaseDefinition:
    values: dict[str, Any] = {
        "code": "7a",
        "number": 1,
        "title": "Event bus",
        "description": "",
        "opened_by": ("5a",),
        "checks": (Check.JOURNAL,),
    }
    return PhaseDefinition(**(values | changed))


def test_the_bytes_of_a_definition_never_change() -> None:
    """Its digest stands in manifests that people signed."""
    assert definition().canonical() == (
        b'{"checks":["journal"],"description":"","format":1,"number":1,"opened_by":["5a"],"phase":"7a",'
        b'"title":"Event bus"}'
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"number": 2},
        {"title": "Another"},
        {"description": "More."},
        {"opened_by": ()},
        {"checks": ()},
        {"checks": (Check.JOURNAL, Check.NO_WAIVERS)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_part_is_bound_by_the_digest(changed: dict[str, Any]) -> None:
    """Nothing can be exchanged under the same digest."""
    assert definition(**changed).digest != definition().digest


def test_what_was_stored_is_read_again() -> None:
    """The order in which somebody ticked boxes makes no difference."""
    whole = definition(opened_by=("5a", "6a"), checks=tuple(sorted(Check)), description="Zwölf Gründe")
    mixed = definition(opened_by=("6a", "5a"), checks=tuple(Check), description="Zwölf Gründe")

    assert from_json(whole.canonical().decode()) == whole
    assert mixed.digest == whole.digest


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"description": "x" * 2001}, "description"),
        ({"description": "\0"}, "description"),
        ({"opened_by": ("7a",)}, "opened_by"),
        ({"opened_by": ("9z",)}, "opened_by"),
        ({"opened_by": ("1-5",)}, "opened_by"),
        ({"opened_by": ("8a",)}, "opened_by"),
    ],
)
def test_what_no_phase_can_be_is_refused(changed: dict[str, Any], field: str) -> None:
    """Also a circle, at once or by way of others, and a phase that needs no release."""
    with pytest.raises(InvalidInput) as refusal:
        require_sound(definition(**changed), edges=EDGES, known=KNOWN)

    assert refusal.value.params["field"] == field


def test_a_circle_over_several_phases_is_refused() -> None:
    """5a opens 7a, 7a opens 8a: 5a cannot come after 8a."""
    with pytest.raises(InvalidInput, match="comes after it"):
        require_sound(definition(code="5a", opened_by=("8a",)), edges=EDGES, known=KNOWN)


@pytest.mark.parametrize("opened_by", [(), ("5a",), ("6a",), ("5a", "6a")])
def test_any_other_order_of_phases_is_possible(opened_by: tuple[str, ...]) -> None:
    """What is there of this phase itself is replaced, so it is no reason against."""
    require_sound(definition(opened_by=opened_by), edges=EDGES, known=KNOWN)


def test_every_change_is_said_in_words() -> None:
    """One sentence each; the second person reads these."""
    after = definition(
        title="Bus", description="Over Redis", opened_by=("6a",), checks=(Check.RUNNING_BUILD, Check.NO_WAIVERS)
    )

    said = [spoken(template=one["template"], params=one["params"]) for one in changes(definition(), after)]

    assert said == [
        "The title is “Bus” instead of “Event bus”.",
        "The description is “Over Redis” instead of “”.",
        "Phase 6a must be released before it.",
        "Phase 5a need no longer be released before it.",
        "It is checked from now on: the evidence rests on no waiver.",
        "It is checked from now on: this console runs on the build.",
        "It is no longer checked: the live journal was verified within 24 hours.",
    ]


def test_the_number_alone_is_no_change() -> None:
    """A proposal that says what is in force is none."""
    assert changes(definition(), definition(number=2)) == ()


def test_every_check_has_words() -> None:
    """The form shows no bare code."""
    assert set(CHECK_LABELS) == set(Check)

"""Refusals as sentences: fields by their labels, refusals within refusals, and no code twice."""

from __future__ import annotations

import ast

import pytest

from console.kernel.errors import FIELD_LABELS, GatehouseError, InvalidInput
from console.tests.source_files import python_files, tree_of


class Inner(GatehouseError):
    """A refusal that stands alone elsewhere."""

    code = "test-inner"
    message = "The file %(name)s is damaged."


class Outer(GatehouseError):
    """A refusal that names the inner one."""

    code = "test-outer"
    message = "It cannot be signed: %(what)s. Nothing happened."


def fields_in_the_code() -> set[str]:
    """Every `field` that code of the console names in a refusal of what somebody entered."""
    return {
        keyword.value.value
        for path in python_files(tests=False)
        if "console/" in str(path)
        for call in ast.walk(tree_of(path))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("InvalidInput", "require_reason", "bounded")
        for keyword in call.keywords
        if keyword.arg == "field" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str)
    }


def test_every_field_of_a_form_has_a_label() -> None:
    """Screens show no name of a column."""
    named = fields_in_the_code()

    assert len(named) >= 10
    assert named - FIELD_LABELS.keys() == set()


def test_a_refused_value_is_said_with_its_label() -> None:
    """In the reader's language; machines still get the field's name."""
    refusal = InvalidInput(field="printed_name", reason="signatures need the full name")

    assert refusal.said(lambda text: {"Printed name": "Name im Druck"}.get(text, text)) == (
        "Name im Druck: signatures need the full name"
    )
    assert refusal.params["field"] == "printed_name"


def test_a_field_of_the_api_is_said_as_it_is_sent() -> None:
    """It is no label that anybody sees on a screen."""
    assert InvalidInput(field="soak_seconds", reason="too long").said(str) == "soak_seconds: too long"


def test_a_list_of_texts_is_said_part_by_part() -> None:
    """Each in the reader's language."""
    texts = ({"template": "Gate %(gate)s", "params": {"gate": "A"}}, {"template": "Build", "params": {}})

    said = Outer(what=texts).said(lambda text: text.replace("Gate", "Tor"))

    assert said == "It cannot be signed: Tor A, Build. Nothing happened."


@pytest.mark.parametrize("said", [str, lambda refusal: refusal.said(str)])
def test_a_refusal_in_a_refusal_keeps_one_full_stop(said: object) -> None:
    """The sentence around it has its own."""
    outer = Outer(what=Inner(name="a.bin"))

    assert said(outer) == "It cannot be signed: The file a.bin is damaged. Nothing happened."  # type: ignore[operator]

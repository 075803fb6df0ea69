"""What the engine says reaches a German reader in German; a sentence that nobody listed would stay English."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.utils import translation
from django.utils.translation import gettext

from ledger.translation import SENTENCES, sentence_of, translated

ENGINE = Path(__file__).resolve().parents[1] / "engine"
SAYING = {"_warn", "say", "fail"}


def said_in_the_engine() -> list[str]:
    """The texts of warnings, of reasons why a snapshot is not restored, and of what was expected and found."""
    found = []
    for path in sorted(ENGINE.glob("*.py")):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func).rpartition(".")[2]
            is_warning = ast.unparse(call.func).endswith("warnings.append")
            is_reason = name == "ValueError" and path.name == "snapshot.py"
            if call.args and (name in SAYING or is_warning or is_reason):
                found += [text for text in [_sample(call.args[0])] if text]
    return found


def _sample(node: ast.expr) -> str:
    """A text with 7 for every value in it; nothing for what is no text."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return ""


def test_every_sentence_of_the_engine_is_known() -> None:
    """Those of today: who adds one lists it."""
    said = said_in_the_engine()

    assert len(said) > 10
    assert [text for text in said if sentence_of(text) == text] == []


@pytest.mark.parametrize("template", SENTENCES)
def test_every_sentence_has_its_german(template: str) -> None:
    """With the same values in it."""
    with translation.override("de"):
        assert gettext(template) != template


def test_a_sentence_inside_another_is_translated_too() -> None:
    """What is not known stays as it is, and English is what was said."""
    text = "The snapshot of event 7 was passed over: its state has schema x, this version has y."

    with translation.override("de"):
        german = translated(text, gettext)
        unknown = translated("sealing 1: no space left on device", gettext)

    assert "Ereignis 7" in german
    assert "Schema" in german
    assert "was passed over" not in german
    assert unknown.endswith(": no space left on device")
    assert not unknown.startswith("sealing")
    assert translated(text, str) == text

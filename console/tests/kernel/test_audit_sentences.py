"""Audit entries as sentences: every act that exists has one, and one that nobody knows is still said."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from console.admin.audit_sentences import ACTS, label_of, object_words, sentence_of, was_done_alone
from console.kernel import audit
from console.kernel.authority import Act, Role
from console.kernel.errors import WrongPassword, WrongState
from console.kernel.models import AuditEntry
from console.tests.people import actor_with
from console.tests.source_files import ROOT, python_files, tree_of
from ledger import gettext_noop


def acts_in_the_code() -> set[str]:
    """Every text that is handed to a call as `act=`, directly or by a constant of the project."""
    named: set[str] = set()
    for path in python_files(tests=False):
        constants = constants_of(path)
        named |= {
            found
            for call in ast.walk(tree_of(path))
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith(("audit.record", "record"))
            for keyword in call.keywords
            if keyword.arg == "act"
            for found in _texts(keyword.value, constants)
        }
    return named


def constants_of(path: Path) -> dict[str, str]:
    """The texts that a file assigns to names, or imports from another file of the console."""
    found: dict[str, str] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("console."):
            source = (ROOT / node.module.replace(".", "/")).with_suffix(".py")
            found |= own_constants(source) if source.is_file() else {}
    return found | own_constants(path)


@cache
def own_constants(path: Path) -> dict[str, str]:
    """The texts that a file assigns to names."""
    found: dict[str, str] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            found |= _assigned(node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value)
    return found


def _assigned(target: ast.expr, value: ast.expr) -> dict[str, str]:
    pairs = [(target, value)]
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = list(zip(target.elts, value.elts, strict=False))
    return {
        name.id: text.value
        for name, text in pairs
        if isinstance(name, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def _texts(value: ast.expr, constants: dict[str, str]) -> list[str]:
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    return [constants[value.id]] if isinstance(value, ast.Name) and value.id in constants else []


def test_every_act_has_a_sentence() -> None:
    """Those of the authority table, and those that the console does by itself."""
    known = acts_in_the_code()

    assert known >= {"run.judge", "person.signed_in", "rows.bound", "governance_journal.begun"}
    assert sorted((known | {act.value for act in Act}) - set(ACTS)) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_sentence_can_be_said_without_any_field(language: str) -> None:
    """An entry that lacks what its sentence names still has one; nothing is left unfilled."""
    with translation.override(language):
        for act in ACTS:
            for outcome in AuditEntry.Outcome:
                entry = AuditEntry(act=act, object="run:7", actor_name="Anna A.", outcome=outcome, code="not-allowed")

                said = sentence_of(entry)

                assert said
                assert "%(" not in said


@pytest.mark.django_db
def test_a_done_act_names_who_did_what_to_what() -> None:
    """Roles and recommendations in words."""
    actor = actor_with(Role.ADMINISTRATOR)
    with transaction.atomic():
        entry = audit.record(
            actor=actor, act="people.confirm_role", object="person:3", after={"role": "reviewer", "username": "rita"}
        )

    assert sentence_of(entry) == f"{actor.person} confirmed the role reviewer of rita."
    with translation.override("de"):
        assert "Reviewer" in sentence_of(entry) or "rita" in sentence_of(entry)


@pytest.mark.django_db
def test_a_refused_act_says_what_was_tried_and_why() -> None:
    """The refusal's own sentence, or its code where there is none."""
    actor = actor_with(Role.AUDITOR)
    with transaction.atomic():
        told = audit.record_refusal(
            actor=actor, act="run.cancel", object="run:3", code="not-allowed", after={"message": "It takes a role."}
        )
        bare = audit.record_refusal(actor=actor, act="run.cancel", object="run:3", code="not-allowed")

    assert sentence_of(told) == f"{actor.person} was refused: cancel a run. It takes a role."
    assert sentence_of(bare).endswith("not-allowed")


@pytest.mark.django_db
def test_why_somebody_was_refused_is_said_in_the_readers_language() -> None:
    """It is on record in English; a sentence that this version does not know is shown as it was written."""
    actor = actor_with(Role.ENGINEER)
    refusals = (WrongPassword(left=4), WrongState(what="run 3", state=gettext_noop("queued")))
    with transaction.atomic():
        entries = [
            audit.record_refusal(
                actor=actor, act="run.cancel", object="run:3", code=one.code, after={"message": str(one)}
            )
            for one in refusals
        ]
        unknown = audit.record_refusal(
            actor=actor, act="run.cancel", object="run:3", code="wrong-state", after={"message": "As it once was said."}
        )

    with translation.override("de"):
        assert sentence_of(entries[0]).endswith(refusals[0].said(gettext))
        assert sentence_of(entries[1]).endswith(refusals[1].said(gettext))
        assert "Passwort ist falsch" in sentence_of(entries[0])
        assert sentence_of(unknown).endswith("As it once was said.")
    assert sentence_of(entries[1]).endswith(str(refusals[1]))


@pytest.mark.parametrize("stored", ["", "no json", "[1]", '"text"', '{"word": ["odd"]}'])
def test_an_entry_that_nobody_understands_is_said_all_the_same(stored: str) -> None:
    """An act of another version, content that was tampered with."""
    entry = AuditEntry(act="planet.move", object="planet:3", actor_name="Anna A.", outcome="done", after=stored)

    assert sentence_of(entry) == "Anna A.: planet.move, planet:3"
    assert label_of("planet.move") == "planet.move"
    assert not was_done_alone(entry)


def test_what_was_done_alone_is_marked() -> None:
    """With one administrator nobody looked over the shoulder."""
    assert was_done_alone(AuditEntry(act="people.take_role", outcome="done", after='{"alone":true}'))


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (f"backup:{'a' * 64}", "backup aaaaaaaaaaaa"),
        (f"certificate:{'b' * 64}", "certificate bbbbbbbbbbbb"),
        ("phase:5a", "phase 5a"),
        ("gadget:7", "gadget:7"),
        ("", "–"),
    ],
)
def test_what_an_entry_speaks_of_is_said_in_words(stored: str, said: str) -> None:
    """A long digest by its first digits; what nobody knows stays as it was written."""
    assert object_words(stored) == said

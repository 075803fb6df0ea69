"""The German catalogue: complete, compiled, with nothing guessed, and not answered for by other packages."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation import pgettext

FOLDER = Path("console/locale/de/LC_MESSAGES")
ROOT = Path(settings.BASE_DIR)
NOT_SOURCE = ("storage", ".venv", ".git", ".static*", "static", "*cache*", "tests", "node_modules")

MARKS = frozenset({"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "pgettext_lazy", "npgettext"})

needs_gettext = pytest.mark.usefixtures("gettext_tools")


@pytest.fixture
def gettext_tools() -> None:
    """The programs of GNU gettext; skipped where they are not installed."""
    if shutil.which("msgfmt") is None or shutil.which("xgettext") is None:
        pytest.skip("GNU gettext is not installed")


def msgattrib(*options: str, path: Path) -> str:
    """The entries of a catalogue with these attributes."""
    return subprocess.run(
        ["msgattrib", *options, str(path)], check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


@needs_gettext
@pytest.mark.parametrize("kind", ["--untranslated", "--only-fuzzy", "--only-obsolete"])
def test_every_text_has_a_german_one_that_nobody_guessed(kind: str) -> None:
    """No entry is empty, fuzzy or left over."""
    entries = msgattrib(kind, "--no-obsolete" if kind != "--only-obsolete" else kind, path=ROOT / FOLDER / "django.po")

    assert "msgid" not in entries.partition("\n\n")[2]


@needs_gettext
def test_the_compiled_catalogue_is_that_of_the_source(tmp_path: Path) -> None:
    """A changed .po without its .mo would never be seen; placeholders are checked on the way."""
    fresh = tmp_path / "django.mo"

    subprocess.run(["msgfmt", "--check-format", "-o", str(fresh), str(ROOT / FOLDER / "django.po")], check=True)

    assert fresh.read_bytes() == (ROOT / FOLDER / "django.mo").read_bytes()


def marked_in_f_strings(source: str) -> list[int]:
    """The lines in which a text is marked within an f-string."""
    inside = [
        node for outer in ast.walk(ast.parse(source)) if isinstance(outer, ast.JoinedStr) for node in ast.walk(outer)
    ]
    calls = [
        node
        for node in inside
        if isinstance(node, ast.Call) and any(isinstance(one, ast.Constant) for one in node.args)
    ]
    return [call.lineno for call in calls if ast.unparse(call.func).rpartition(".")[2] in MARKS]


def test_no_text_is_marked_where_extraction_does_not_look() -> None:
    """Within an f-string xgettext finds nothing, so the text would stay English and no other test would know."""
    sources = [path for folder in ("console", "ledger", "testruns") for path in (ROOT / folder).rglob("*.py")]
    marked = {str(path): marked_in_f_strings(path.read_text()) for path in sources if "tests" not in path.parts}

    assert marked_in_f_strings("say(f'{_(1)}')") == [1]
    assert {path: lines for path, lines in marked.items() if lines} == {}


@needs_gettext
def test_the_catalogue_holds_every_text_that_is_marked_in_the_code(tmp_path: Path) -> None:
    """Extracting again finds nothing new: a text marked today is translated today."""
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))

    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "-l", "de", "--no-obsolete", "-v", "0"],
        check=True,
        cwd=copy,
        env={"DJANGO_SETTINGS_MODULE": "console.settings", "GATEHOUSE_STORAGE": str(tmp_path / "storage")}
        | {"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(copy)},
    )

    new = msgattrib("--untranslated", path=copy / FOLDER / "django.po").partition("\n\n")[2]
    assert "msgid" not in new, new


@pytest.mark.parametrize(
    ("context", "word", "german"),
    [
        ("run state", "Queued", "Eingereiht"),
        ("execution state", "Waiting", "Wartet"),
        ("verdict", "Inconclusive", "Nicht entscheidbar"),
        ("recommendation", "INCOMPLETE", "UNVOLLSTÄNDIG"),
    ],
)
def test_words_of_states_are_ours_and_not_those_of_another_catalogue(context: str, word: str, german: str) -> None:
    """django-q2 brings a German catalogue of its own; contexts keep the two apart."""
    with translation.override("de"):
        assert pgettext(context, word) == german

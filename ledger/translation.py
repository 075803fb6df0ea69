"""What the engine says in English, found again as template and values: so that the doors say it in the reader's words.

The engine's warnings and reasons are plain sentences, often one inside another; what is not known here stays English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ledger.engine.errors import Corrupt, DurabilityUnknown, NotWritten, Poisoned
from ledger.engine.messages import gettext_noop

SENTENCES = (
    Corrupt.message,
    Poisoned.message,
    DurabilityUnknown.message,
    NotWritten.message,
    gettext_noop("The journal is on an overlay file system: it disappears with the container."),
    gettext_noop("The state differs from what was sealed: its rules changed since, or it is not deterministic."),
    gettext_noop("The snapshot of event %(seq)s was passed over: %(reason)s."),
    gettext_noop("sealing %(first)s: %(reason)s"),
    gettext_noop("finding the keys: %(reason)s"),
    gettext_noop("reading the journal again: %(reason)s"),
    gettext_noop("it is damaged or cut"),
    gettext_noop("it is of another journal"),
    gettext_noop("its state has schema %(found)s, this version has %(own)s"),
    gettext_noop("its state is not the one that was sealed"),
    gettext_noop("the journal has another event there"),
    gettext_noop("no segment that begins with event %(seq)s is listed"),
    gettext_noop("%(name)s or its index is not what was sealed"),
    gettext_noop("no segment ends there"),
    gettext_noop("a record that ends in a newline"),
    gettext_noop("a record or nothing but newlines"),
    gettext_noop("a record that ends in %(tail)s"),
    gettext_noop("a record"),
    gettext_noop("the rest of a commit"),
    gettext_noop("the end of the records"),
    gettext_noop("the end of the journal"),
    gettext_noop("nothing"),
    gettext_noop("event %(seq)s"),
)
_VALUE = re.compile(r"%\((\w+)\)[sd]")
_UNNAMED = "\0"


def _pattern_of(template: str) -> re.Pattern[str]:
    names = _VALUE.findall(template)
    parts = map(re.escape, _VALUE.sub(_UNNAMED, template).split(_UNNAMED))
    groups = [f"(?P<{name}>.+?)" for name in names]
    return re.compile("".join(part + group for part, group in zip(parts, [*groups, ""], strict=True)), re.DOTALL)


_PATTERNS = tuple((template, _pattern_of(template)) for template in SENTENCES)


def sentence_of(text: str) -> dict[str, Any] | str:
    """As plain JSON, `template` and `params`, whose values may be such sentences; what is not known as it is."""
    for template, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return {
                "template": template,
                "params": {name: sentence_of(part) for name, part in found.groupdict().items()},
            }
    return text


def translated(text: str, translate: Callable[[str], str]) -> str:
    """A sentence of the engine in the language of `translate`, with the sentences inside it."""
    for template, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            values = {name: translated(part, translate) for name, part in found.groupdict().items()}
            return _VALUE.sub(r"%(\1)s", translate(template)) % values
    return text


def translated_values(params: Mapping[str, Any], translate: Callable[[str], str]) -> dict[str, Any]:
    """The values of a sentence, with what the engine says among them in that language."""
    return {name: translated(value, translate) if isinstance(value, str) else value for name, value in params.items()}

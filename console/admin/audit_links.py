"""Where the things are that audit entries speak of, and the digests in what they hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from console.admin.audit_sentences import object_words, sentence_of
from console.kernel.models import AuditEntry

DIGESTS_MAX = 20
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PAGES: Mapping[str, str] = MappingProxyType(
    {
        "run": "testruns_run_change",
        "person": "kernel_person_change",
        "phase": "release_phase",
        "request": "release_request",
        "review": "release_review",
        "condition": "release_condition",
        "waiver": "release_waiver",
    }
)
_LIVE_JOURNAL = "journal:credits"


class NamedDigest(NamedTuple):
    """A digest in what an entry holds, and the names that lead to it."""

    name: str
    value: str


def object_url(stored: str) -> str:
    """The page of what an entry speaks of; empty where there is none."""
    kind, _colon, key = stored.partition(":")
    if stored == _LIVE_JOURNAL:
        return reverse("admin:journal_events")
    if kind == "approval" and key:
        return f"{reverse('admin:approval')}?{urlencode({'request': key})}"
    try:
        return reverse(f"admin:{_PAGES[kind]}", args=[key]) if kind in _PAGES and key else ""
    except NoReverseMatch:
        return ""


def linked_sentence(entry: AuditEntry) -> SafeString:
    """The sentence of an entry, in which what it speaks of leads to its page."""
    said, url = str(escape(sentence_of(entry))), object_url(entry.object)
    words = str(escape(object_words(entry.object)))
    spelt = next((one for one in (words, capfirst(words)) if one in said), "")
    if not url or not spelt:
        return mark_safe(said)  # noqa: S308 - escaped above
    before, _words, after = said.rpartition(spelt)
    return mark_safe(f'{before}<a href="{escape(url)}">{spelt}</a>{after}')  # noqa: S308 - escaped above


def digests_in(entry: AuditEntry) -> tuple[NamedDigest, ...]:
    """The digests in what an entry holds, each once, so that they can be copied whole."""
    found: dict[str, NamedDigest] = {}
    for content in (entry.after, entry.before):
        try:
            values = json.loads(content) if content else {}
        except ValueError:
            continue
        for one in _digests(values, ""):
            found.setdefault(one.value, one)
    return tuple(found.values())[:DIGESTS_MAX]


def _digests(value: Any, name: str) -> Iterator[NamedDigest]:
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        yield NamedDigest(name=name, value=value)
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _digests(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for part in value:
            yield from _digests(part, name)

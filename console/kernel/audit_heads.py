"""Heads of the audit chain as they leave this machine in reports, certificates and exports, and how to find them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from console.kernel.audit import Head

_IN_TEXT = re.compile(r"audit(?: chain|-kette).{0,300}?\b(\d+)\b\W{1,20}([0-9a-f]{64})\b", re.IGNORECASE | re.DOTALL)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEYS = ("audit_chain", "auditChain")


def head_line(head: Head) -> str:
    """One line for people and machines: `Audit chain: entry 12, <hash>`."""
    return f"Audit chain: entry {head.index}, {head.hash}"


def heads_in(content: bytes) -> tuple[Head, ...]:
    """Every head in a report, a certificate, a bundle, an export of the trail or a plain text; empty without one."""
    text = content.decode(errors="replace")
    found: list[Head] = []
    for document in _documents(text):
        found += _in_document(document)
    if not found:
        found = [Head(index=int(index), hash=digest) for index, digest in _IN_TEXT.findall(text)]
    return tuple(dict.fromkeys(found))


def _documents(text: str) -> Iterator[Any]:
    """The text as one JSON document, or as JSON lines."""
    try:
        yield json.loads(text)
        return
    except ValueError:
        pass
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue


def _in_document(document: Any) -> Iterator[Head]:
    if isinstance(document, list):
        for item in document:
            yield from _in_document(item)
    if not isinstance(document, dict):
        return
    if isinstance(document.get("payload"), str) and "payloadType" in document:
        yield from _in_payload(document["payload"])
    if "previous_hash" in document:
        yield from _head(document.get("index"), document.get("hash"))
    for key, value in document.items():
        if key in _KEYS and isinstance(value, dict):
            yield from _head(value.get("index"), value.get("head", value.get("hash")))
        else:
            yield from _in_document(value)


def _head(index: Any, digest: Any) -> Iterator[Head]:
    if isinstance(index, int) and isinstance(digest, str) and _DIGEST.fullmatch(digest):
        yield Head(index=index, hash=digest)


def _in_payload(payload: str) -> Iterator[Head]:
    """The signed body of an envelope; whether the signature holds is `verify_certificate`'s to say."""
    try:
        body = json.loads(base64.b64decode(payload.replace("-", "+").replace("_", "/") + "=="))
    except ValueError:
        return
    yield from _in_document(body)

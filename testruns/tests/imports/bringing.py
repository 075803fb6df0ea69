"""Bringing results as doors do, in one go."""

from __future__ import annotations

from console.kernel.acts import Actor
from testruns.actions import import_results, read_results
from testruns.models import Run

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def brought(actor: Actor, *, build: str = "shop", commit: str = COMMIT, **files: bytes | list[bytes]) -> Run:
    """Read the files (`junit`, `coverage`; one or several of each) and import them."""
    lists = {name: [found] if isinstance(found, bytes) else found for name, found in files.items()}
    return import_results(actor=actor, brought=read_results(actor=actor, build=build, commit=commit, files=lists))

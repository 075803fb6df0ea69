"""How scenarios open and verify the ledger under test, and how a ledger is found by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import ledger


class OpenLedger(Protocol):
    """Opens the ledger whose journal is the directory `path`."""

    def __call__(self, *, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> ledger.Ledger:
        """Open it; without `segment_bytes` segments have the engine's own size. Raises LedgerError."""


def open_ledger(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> ledger.Ledger:
    """The product's ledger."""
    if segment_bytes is None:
        return ledger.Ledger.open(path=path, read_only=read_only)
    return ledger.Ledger.open(path=path, segment_bytes=segment_bytes, read_only=read_only)


def chain_breaks_of(journal: Path) -> int:
    """The product's own verification of a journal: how many breaks it finds. Raises LedgerError."""
    return ledger.verify(path=journal).chain_breaks


def named(reference: str) -> Callable[..., Any]:
    """The callable that "module:name" refers to. Raises ImportError or AttributeError."""
    module, _, name = reference.partition(":")
    return cast(Callable[..., Any], getattr(importlib.import_module(module), name))

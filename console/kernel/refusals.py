"""Every refusal there is: what the API's types of problems and the sentences of the audit trail are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.kernel.errors import GatehouseError
from ledger import LedgerError


def refusals() -> Iterator[type[GatehouseError] | type[LedgerError]]:
    """Every class of refusal that was imported."""
    waiting: list[type[Any]] = [GatehouseError, LedgerError]
    while waiting:
        refusal = waiting.pop()
        waiting.extend(refusal.__subclasses__())
        yield refusal

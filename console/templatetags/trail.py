"""Whether the audit trail leaves the database as it should."""

from __future__ import annotations

from typing import Any

from django import template

from console.kernel import governance_journal
from console.kernel.doors import explain
from console.kernel.errors import GatehouseError
from ledger import LedgerError

register = template.Library()


@register.inclusion_tag("console/relay_state.html")
def relay_state() -> dict[str, Any]:
    """A banner while the governance journal does not follow the audit chain; nothing while it does."""
    state = governance_journal.state()
    failure = state.failure
    said = explain(failure) if isinstance(failure, GatehouseError | LedgerError) else str(failure or "")
    return {"relay": state, "failure": said}

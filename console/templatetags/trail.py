"""Whether the audit trail and e-mails leave this machine as they should."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from console.kernel import governance_journal
from console.kernel.authority import Act
from console.kernel.doors import explain, has_act
from console.kernel.errors import GatehouseError
from console.notifications.postbag import postbag
from ledger import LedgerError

register = template.Library()


@register.inclusion_tag("console/relay_state.html")
def relay_state() -> dict[str, Any]:
    """A banner while the governance journal does not follow the audit chain; nothing while it does."""
    state = governance_journal.state()
    failure = state.failure
    said = explain(failure) if isinstance(failure, GatehouseError | LedgerError) else str(failure or "")
    return {"relay": state, "failure": said}


@register.inclusion_tag("console/mail_state.html", takes_context=True)
def mail_state(context: Context) -> dict[str, Any]:
    """A banner for administrators while e-mails cannot be sent; nothing for anybody else."""
    return {"bag": postbag() if has_act(context["request"], Act.MANAGE_PEOPLE) else None}

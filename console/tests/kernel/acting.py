"""An action for tests of the doors: it writes an audit entry, or refuses, or fails, as its text says."""

from __future__ import annotations

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import TooManyAttempts, WrongState
from console.kernel.models import AuditEntry


@action(Act.REQUEST_RUN, target="run:{text}")
def note(*, actor: Actor, text: str) -> AuditEntry:
    """Append an entry. "refuse", "later" and "fail" do what they say, after it."""
    entry = audit.record(actor=actor, act=Act.REQUEST_RUN, object=f"run:{text}")
    if text == "refuse":
        raise WrongState(what="run 3", state="cancelled")
    if text == "later":
        raise TooManyAttempts(seconds=9)
    if text == "fail":
        raise RuntimeError("a secret of the program")
    return entry

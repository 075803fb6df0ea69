"""The one reading that is on record: a signing page was put before somebody (11.10(e), decisions.md, Database)."""

from __future__ import annotations

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.release_states import Seat

VIEWED = "signing_page.viewed"


@action(Act.READ, target="request:{request_id}")
def view_signing_page(*, actor: Actor, request_id: int, seat: Seat, manifest_digest: str) -> None:
    """Record that this person was shown what a signature in this seat would bind."""
    audit.record(
        actor=actor,
        act=VIEWED,
        object=f"request:{request_id}",
        after={"seat": seat.value, "manifest": manifest_digest},
    )

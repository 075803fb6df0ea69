"""Switching capabilities on and off: an act on record that needs a standing release to switch on, never to go on."""

from __future__ import annotations

from django.utils import timezone

from console.capabilities import CAPABILITIES
from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import NotFound
from console.models import CapabilityAct
from console.releases import running_tree_digest, standing
from console.releases.switched import is_switched_on

from .refusals import NoStandingRelease, NotBuiltYet, OtherBuildReleased, SwitchedAlready
from .writing import required_reason


@action(Act.SWITCH_CAPABILITY, target="capability:{capability}")
def switch_capability(*, actor: Actor, capability: str, is_on: bool, reason: str) -> CapabilityAct:
    """Switch a capability on, which needs a standing release of its phase for the running build, or off.

    Raises `NotFound`, `NotBuiltYet`, `NoStandingRelease`, `OtherBuildReleased`, `SwitchedAlready`, `InvalidInput`.
    """
    now = timezone.now()
    reason = required_reason(reason)
    known = CAPABILITIES.get(capability)
    if known is None:
        raise NotFound(what=f"capability {capability}")
    if is_switched_on(capability) == is_on:
        raise SwitchedAlready(capability=known.title)
    decision = None
    if is_on:
        stands = standing(known.phase, now=now)
        if not stands.effect.may_switch_on or stands.request is None:
            raise NoStandingRelease(capability=known.title, phase=known.phase, state=stands.effect.label)
        if stands.request.build.tree_digest != running_tree_digest():
            raise OtherBuildReleased(phase=known.phase, build=str(stands.request.build))
        if not known.is_built:
            raise NotBuiltYet(capability=known.title, phase=known.phase)
        decision = stands.decision
    row = CapabilityAct.objects.create(
        capability=capability, is_on=is_on, person=actor.person, decision=decision, at=now, reason=reason
    )
    audit.record(
        actor=actor,
        act=Act.SWITCH_CAPABILITY,
        object=f"capability:{capability}",
        before={"is_on": not is_on},
        after={"is_on": is_on, "decision": decision.digest if decision else "", "reason": reason},
        rows=(row,),
    )
    return row

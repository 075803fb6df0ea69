"""Words about seats: which an act costs, and why somebody else cannot fill one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.admin.words import word_of
from console.eligibility import SeatRefused, seats_lost_by
from console.kernel.authority import Act, Role

_OF_OTHERS: Mapping[str, object] = MappingProxyType(
    {
        "own-run": gettext_lazy("requested a run in this evidence"),
        "own-request": gettext_lazy("opened this request"),
        "own-policy": gettext_lazy("last edited the policy"),
        "own-waiver": gettext_lazy("asked for a waiver in this evidence"),
        "same-person": gettext_lazy("has signed in another seat"),
    }
)


def lost_seats(act: Act, *, roles: Iterable[Role]) -> str:
    """The seats the act costs this person, joined by "or"; empty when it costs none."""
    names = [str(word_of(kind="seat", value=seat.value).text) for seat in seats_lost_by(act, roles=roles)]
    return _(" or ").join(names)


def said_of_others(refusal: SeatRefused) -> str:
    """The reason in the third person."""
    return str(_OF_OTHERS.get(refusal.code, refusal.code))

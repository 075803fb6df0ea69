"""Who may fill a seat: distinct people, and nobody reviews or decides about their own work (governance.md 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from console.kernel.authority import Act, Role, may, who_may
from console.kernel.errors import GatehouseError
from console.release_states import SEAT_LABELS, Seat
from ledger import gettext_noop

ACT_OF_SEAT: Mapping[Seat, Act] = MappingProxyType(
    {
        Seat.ENGINEER: Act.ATTEST_IMPLEMENTATION,
        Seat.TESTER: Act.SIGN_AS_TESTER,
        Seat.REVIEWER: Act.SIGN_AS_REVIEWER,
        Seat.SUPERVISOR: Act.DECIDE_RELEASE,
    }
)
ROLE_OF_SEAT: Mapping[Seat, Role] = MappingProxyType(
    {
        Seat.ENGINEER: Role.ENGINEER,
        Seat.TESTER: Role.TESTER,
        Seat.REVIEWER: Role.REVIEWER,
        Seat.SUPERVISOR: Role.SUPERVISOR,
    }
)
INDEPENDENT_SEATS: Final = (Seat.REVIEWER, Seat.SUPERVISOR)
"""The seats that one's own run, request, policy, phase or waiver excludes from."""

_OWN_WORK: Final = frozenset(
    {Act.REQUEST_RUN, Act.IMPORT_RESULTS, Act.OPEN_REQUEST, Act.EDIT_POLICY, Act.EDIT_PHASE, Act.REQUEST_WAIVER}
)


class SeatRefused(GatehouseError):
    """This person cannot fill this seat; another one may."""

    code = "seat-refused"
    message = gettext_noop("This seat is not for you: %(seat)s.")
    words = ("seat", "other")


class SeatNeedsRole(SeatRefused):
    """The role is missing; being a superuser is not a role."""

    code = "seat-needs-role"
    message = gettext_noop("The seat %(seat)s takes one of these roles: %(roles)s. Being an administrator is not one.")


class SamePerson(SeatRefused):
    """One person fills one seat per release."""

    code = "same-person"
    message = gettext_noop("You have already signed this release as %(other)s: one person fills one seat.")


class OwnRun(SeatRefused):
    """Requested a run in the evidence, by hand or through a token."""

    code = "own-run"
    message = gettext_noop("You requested a run in this evidence: somebody else must fill the seat %(seat)s.")


class OwnRequest(SeatRefused):
    """Opened the request."""

    code = "own-request"
    message = gettext_noop("You opened this release request: somebody else must fill the seat %(seat)s.")


class OwnPolicy(SeatRefused):
    """Last edited the policy the evidence was judged under."""

    code = "own-policy"
    message = gettext_noop("You last edited the gate policy behind this evidence: another person must be %(seat)s.")


class OwnPhase(SeatRefused):
    """Proposed the definition of the phase that is in force."""

    code = "own-phase"
    message = gettext_noop("You last edited this phase and its checklist: another person must be %(seat)s.")


class OwnWaiver(SeatRefused):
    """Asked for a waiver this evidence rests on."""

    code = "own-waiver"
    message = gettext_noop("You asked for a waiver in this evidence: somebody else must fill the seat %(seat)s.")


class SeatTaken(GatehouseError):
    """Somebody has signed this seat, and that sign-off stands."""

    code = "seat-taken"
    message = gettext_noop("The seat %(seat)s is signed already.")
    words = ("seat",)


class SeatNotYet(GatehouseError):
    """The seats are signed in their order."""

    code = "seat-not-yet"
    message = gettext_noop("The seat %(seat)s comes after %(missing)s, which is not signed yet.")
    words = ("seat", "missing")


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Whose work a release rests on; people by their number.

    requesters_of_runs: of every run in the manifest, the person behind a token included. policy_editor: who last
    edited the policy, phase_editor: the phase, None for the shipped one. seated: standing sign-offs.
    """

    requesters_of_runs: frozenset[int]
    opener: int
    policy_editor: int | None = None
    phase_editor: int | None = None
    waiver_requesters: frozenset[int] = frozenset()
    seated: Mapping[Seat, int] = field(default_factory=dict)


def why_not(seat: Seat, person_id: int, *, roles: Iterable[Role], facts: Facts) -> SeatRefused | None:
    """Why this person cannot fill the seat; None when they can. Says nothing about the order of the seats."""
    label = SEAT_LABELS[seat]
    if not may(act=ACT_OF_SEAT[seat], roles=roles):
        return SeatNeedsRole(seat=label, roles=", ".join(who_may(act=ACT_OF_SEAT[seat])))
    for other, seated in facts.seated.items():
        if seated == person_id and other is not seat:
            return SamePerson(seat=label, other=SEAT_LABELS[other])
    return _own_work(seat, person_id, facts) if seat in INDEPENDENT_SEATS else None


def why_not_yet(seat: Seat, *, facts: Facts) -> SeatTaken | SeatNotYet | None:
    """Why nobody at all can sign this seat now: it is taken, or an earlier one is not signed."""
    return SeatTaken(seat=SEAT_LABELS[seat]) if seat in facts.seated else why_not_in_order(seat, facts=facts)


def why_not_in_order(seat: Seat, *, facts: Facts) -> SeatNotYet | None:
    """The first earlier seat that is not signed, as a refusal; None when all are."""
    missing = [earlier for earlier in seat.earlier if earlier not in facts.seated]
    return SeatNotYet(seat=SEAT_LABELS[seat], missing=SEAT_LABELS[missing[0]]) if missing else None


def seats_lost_by(act: Act, *, roles: Iterable[Role]) -> tuple[Seat, ...]:
    """The seats somebody with these roles could fill before this act and no longer after it: for the warning."""
    held = tuple(one for one in Seat if may(act=ACT_OF_SEAT[one], roles=roles))
    if act in ACT_OF_SEAT.values():
        return tuple(one for one in held if ACT_OF_SEAT[one] is not act)
    return tuple(one for one in held if one in INDEPENDENT_SEATS) if act in _OWN_WORK else ()


def _own_work(seat: Seat, person_id: int, facts: Facts) -> SeatRefused | None:
    label = SEAT_LABELS[seat]
    if person_id in facts.requesters_of_runs:
        return OwnRun(seat=label)
    if person_id == facts.opener:
        return OwnRequest(seat=label)
    if person_id == facts.policy_editor:
        return OwnPolicy(seat=label)
    if person_id == facts.phase_editor:
        return OwnPhase(seat=label)
    return OwnWaiver(seat=label) if person_id in facts.waiver_requesters else None

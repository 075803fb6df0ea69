"""Who sits where in a release request, and who still may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from console.eligibility import ROLE_OF_SEAT, Facts, SeatRefused, why_not, why_not_yet
from console.kernel.authority import Role
from console.kernel.errors import GatehouseError
from console.kernel.models import Person, RoleGrant
from console.models import ReleaseRequest, SignOff
from console.release_manifest import read_manifest
from console.release_states import Seat
from testruns.actions import last_editor_of


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatView:
    """One seat of a request. sign_off: the standing one. eligible: who holds the role and may still fill it.

    excluded: who holds the role and may not, with the reason. why_not: why the viewer cannot sign it now, None when
    they can.
    """

    seat: Seat
    sign_off: SignOff | None
    eligible: tuple[Person, ...]
    excluded: tuple[tuple[Person, SeatRefused], ...]
    why_not: GatehouseError | None


def standing_sign_offs(request: ReleaseRequest) -> dict[Seat, SignOff]:
    """The sign-off that stands in each seat: the newest one that was not withdrawn."""
    return sign_offs_of_each([request])[request.pk]


def sign_offs_of_each(requests: Collection[ReleaseRequest]) -> dict[int, dict[Seat, SignOff]]:
    """As `standing_sign_offs` for several, by their numbers, in one query."""
    found: dict[int, dict[Seat, SignOff]] = {request.pk: {} for request in requests}
    standing = SignOff.objects.filter(request__in=found, withdrawal__isnull=True).select_related("review")
    for sign_off in standing.order_by("pk"):
        found[sign_off.request_id][Seat(sign_off.seat)] = sign_off
    return found


def facts_of(request: ReleaseRequest, *, signed: Mapping[Seat, SignOff]) -> Facts:
    """Whose work the request rests on, and who has signed."""
    manifest = read_manifest(request.manifest)
    requesters = {run["requested_by"] for run in manifest["runs"]} - {None}
    return Facts(
        requesters_of_runs=frozenset(requesters),
        opener=request.opened_by_id,
        policy_editor=last_editor_of(request.policy),
        phase_editor=manifest.get("definition", {}).get("edited_by"),
        waiver_requesters=frozenset(waiver["requested_by"] for waiver in manifest["waivers"]),
        seated={seat: sign_off.person_id for seat, sign_off in signed.items()},
    )


def seat_views(
    *, facts: Facts, signed: Mapping[Seat, SignOff], people: Mapping[Person, frozenset[Role]], viewer: Person
) -> tuple[SeatView, ...]:
    """Every seat of a request in its order, for a person who looks at it. The same however many people there are."""
    own_roles = viewer.roles
    return tuple(
        SeatView(
            seat=seat,
            sign_off=signed.get(seat),
            eligible=tuple(person for person, refusal in _held(seat, people, facts) if refusal is None),
            excluded=tuple((person, refusal) for person, refusal in _held(seat, people, facts) if refusal is not None),
            why_not=why_not(seat, viewer.pk, roles=own_roles, facts=facts) or why_not_yet(seat, facts=facts),
        )
        for seat in Seat
    )


def names_by(facts: Facts, *, people: Mapping[Person, frozenset[Role]]) -> Mapping[Seat, tuple[str, ...]]:
    """Who may still fill each seat, by printed name."""
    return {
        seat: tuple(str(person) for person, refusal in _held(seat, people, facts) if refusal is None) for seat in Seat
    }


def _held(
    seat: Seat, people: Mapping[Person, frozenset[Role]], facts: Facts
) -> list[tuple[Person, SeatRefused | None]]:
    """The people who hold the seat's role, each with what excludes them."""
    return [
        (person, why_not(seat, person.pk, roles=roles, facts=facts))
        for person, roles in people.items()
        if ROLE_OF_SEAT[seat] in roles
    ]


def active_people() -> Mapping[Person, frozenset[Role]]:
    """The active people with their roles, as `Person.roles` counts them, in one query."""
    standing = RoleGrant.objects.filter(
        confirmed_at__isnull=False, ended_at__isnull=True, person__is_active=True
    ).select_related("person")
    columns = standing.only("role", "person__username", "person__printed_name")
    roles: defaultdict[Person, set[Role]] = defaultdict(set)
    for grant in columns.order_by("person_id"):
        roles[grant.person].add(Role(grant.role))
    return {person: frozenset(held) for person, held in roles.items()}

"""One look at the releases: what several parts of a page ask for is read once, and all they say is of one instant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

from console.eligibility import Facts
from console.kernel.authority import Act, Role, may
from console.kernel.models import Person
from console.models import Condition, LiveVerification, Phase, ReleaseRequest, SignOff
from console.release_states import RequestState, Seat
from console.releases.definitions import edges_in_force
from console.releases.seats import active_people, facts_of, names_by, sign_offs_of_each
from console.releases.standing import (
    Standing,
    conditions_of_each,
    is_closed,
    standings_by,
    state_of,
    telling_requests,
)
from testruns.models import Build


class Look:
    """What was read so far. Whoever writes something looks again.

    builds: how phases stand for these alone is asked for too.
    """

    def __init__(self, *, now: datetime, builds: Collection[Build] = ()) -> None:
        self.now = now
        self._builds = {build.pk: build for build in builds}
        self._conditions: dict[int, tuple[Condition, ...]] = {}
        self._sign_offs: dict[int, dict[Seat, SignOff]] = {}
        self._facts: dict[int, Facts] = {}

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """Every phase in the order of the roadmap."""
        return tuple(Phase.objects.order_by("position"))

    @cached_property
    def edges(self) -> list[tuple[str, str]]:
        """(opener, opened) of every dependency that holds, by code."""
        return edges_in_force()

    @cached_property
    def people(self) -> Mapping[Person, frozenset[Role]]:
        """The active people with their roles."""
        return active_people()

    @cached_property
    def verification(self) -> LiveVerification | None:
        """The last one of the live journal."""
        columns = ("at", "events", "head", "is_sound", "detail", "person__username", "person__printed_name")
        return LiveVerification.objects.select_related("person").only(*columns).order_by("-pk").first()

    @cached_property
    def open_requests(self) -> tuple[ReleaseRequest, ...]:
        """Those that can still be signed, the oldest first."""
        waiting = (one for one in self._requests[::-1] if one.state == RequestState.OPEN.value)
        return tuple(one for one in waiting if state_of(one, now=self.now) is RequestState.OPEN)

    @cached_property
    def conditional_requests(self) -> tuple[ReleaseRequest, ...]:
        """Those released under conditions, lapsed or not, the oldest first."""
        return tuple(one for one in self._requests[::-1] if one.state == RequestState.CONDITIONAL.value)

    @cached_property
    def _requests(self) -> tuple[ReleaseRequest, ...]:
        """Of every phase those that may say how it stands, the newest first."""
        return telling_requests(ReleaseRequest.objects.all(), phases=self.phases, also=self._builds.values())

    @cached_property
    def _standings(self) -> Mapping[int, Standing]:
        """By number of the phase."""
        return self._standings_by(self._requests)

    @cached_property
    def _standings_of_builds(self) -> Mapping[int, Standing]:
        """By number of the phase."""
        return self._standings_by([one for one in self._requests if one.build_id in self._builds])

    def _standings_by(self, requests: Collection[ReleaseRequest]) -> Mapping[int, Standing]:
        return standings_by(requests, phases=self.phases, now=self.now, read_conditions=self.conditions)

    def standing(self, phase: Phase) -> Standing:
        """How a phase stands, whatever the build."""
        return self._standings[phase.pk]

    def standing_of_builds(self, phase: Phase) -> Standing:
        """How the builds of this look stand in a phase, whatever else is released."""
        return self._standings_of_builds[phase.pk]

    def standings(self, codes: Collection[str]) -> tuple[Standing, ...]:
        """How these phases stand, in the order of the roadmap."""
        return tuple(self.standing(phase) for phase in self.phases if phase.code in codes)

    def predecessors(self, phase: Phase) -> tuple[Standing, ...]:
        """How the phases stand that must be released before this one."""
        return self.standings({opener for opener, opened in self.edges if opened == phase.code})

    def sign_offs(self, request: ReleaseRequest) -> Mapping[Seat, SignOff]:
        """The sign-off that stands in each seat."""
        self.read_sign_offs([request])
        return self._sign_offs[request.pk]

    def read_sign_offs(self, requests: Collection[ReleaseRequest]) -> None:
        """Read the sign-offs of these at once, which will be asked for one by one."""
        unknown = [request for request in requests if request.pk not in self._sign_offs]
        if unknown:
            self._sign_offs |= sign_offs_of_each(unknown)

    def conditions(self, requests: Collection[ReleaseRequest]) -> Mapping[int, tuple[Condition, ...]]:
        """The conditions of each, by its number, in their order."""
        unknown = [request for request in requests if request.pk not in self._conditions]
        if unknown:
            self._conditions |= dict.fromkeys((request.pk for request in unknown), ()) | conditions_of_each(unknown)
        return {request.pk: self._conditions[request.pk] for request in requests}

    def open_conditions(self, phase: Phase) -> tuple[Condition, ...]:
        """What is not closed of the conditions of a phase's conditional release."""
        rows = self.conditions([one for one in self.conditional_requests if one.phase_id == phase.pk])
        return tuple(one for conditions in rows.values() for one in conditions if not is_closed(one))

    def facts(self, request: ReleaseRequest) -> Facts:
        """Whose work a request rests on, and who has signed."""
        if request.pk not in self._facts:
            self._facts[request.pk] = facts_of(request, signed=self.sign_offs(request))
        return self._facts[request.pk]

    def eligible(self, request: ReleaseRequest) -> Mapping[Seat, tuple[str, ...]]:
        """Who may still fill each seat of a request, by printed name."""
        return names_by(self.facts(request), people=self.people)

    def names_who_may(self, act: Act) -> tuple[str, ...]:
        """The active people who may do this, by printed name. Says nothing about whose own work it would be."""
        return tuple(str(person) for person, roles in self.people.items() if may(act=act, roles=roles))

"""One look at the releases: what several parts of a page ask for is read once, and all they say is of one instant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cached_property

from console.eligibility import Facts
from console.kernel.authority import Act, Role, may
from console.kernel.models import Person
from console.models import LiveVerification, Phase, ReleaseRequest, SignOff
from console.release_states import RequestState, Seat
from console.releases.definitions import edges_in_force
from console.releases.seats import active_people, facts_of, names_by, standing_sign_offs
from console.releases.standing import Standing, standings_of, state_of


class Look:
    """What was read so far. Whoever writes something looks again."""

    def __init__(self, *, now: datetime) -> None:
        self.now = now
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
        return LiveVerification.objects.select_related("person").order_by("-pk").first()

    @cached_property
    def open_requests(self) -> tuple[ReleaseRequest, ...]:
        """Those that can still be signed."""
        rows = ReleaseRequest.objects.filter(state=RequestState.OPEN.value).select_related("phase", "policy")
        in_order = rows.defer("manifest").order_by("pk")
        return tuple(one for one in in_order if state_of(one, now=self.now) is RequestState.OPEN)

    @cached_property
    def _standings(self) -> Mapping[int, Standing]:
        """By number of the phase."""
        return standings_of(self.phases, now=self.now)

    def standing(self, phase: Phase) -> Standing:
        """How a phase stands, whatever the build."""
        return self._standings[phase.pk]

    def standings(self, codes: Collection[str]) -> tuple[Standing, ...]:
        """How these phases stand, in the order of the roadmap."""
        return tuple(self.standing(phase) for phase in self.phases if phase.code in codes)

    def predecessors(self, phase: Phase) -> tuple[Standing, ...]:
        """How the phases stand that must be released before this one."""
        return self.standings({opener for opener, opened in self.edges if opened == phase.code})

    def sign_offs(self, request: ReleaseRequest) -> Mapping[Seat, SignOff]:
        """The sign-off that stands in each seat."""
        if request.pk not in self._sign_offs:
            self._sign_offs[request.pk] = standing_sign_offs(request)
        return self._sign_offs[request.pk]

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

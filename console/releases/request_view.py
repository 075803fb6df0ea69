"""A release request as its page shows it to one person: what it rests on, who sits where, what has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Prefetch, Q, When, prefetch_related_objects

from console.checklist import Item, Text
from console.kernel.models import Person
from console.models import (
    BoundRun,
    Condition,
    ConditionClosing,
    Decision,
    ReleaseRequest,
    Review,
    ReviewComment,
    SignOff,
    Waiver,
)
from console.release_manifest import difference, read_manifest
from console.release_states import Effect, RequestState, Seat, effect_of
from console.releases.board import why_lapsed
from console.releases.checking import Checked, check_request
from console.releases.look import Look
from console.releases.seats import SeatView, seat_views
from console.releases.standing import (
    conditions_of,
    has_open_before_use,
    is_closed,
    last_decision_of,
    standing_of,
    state_of,
)
from testruns.actions import runs_of
from testruns.models import Run

RUNS_MAX = 20
"""Runs that a page lists; the manifest lists every one."""
NEWER_MAX = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatLine:
    """A seat with those who sat in it before. is_next: the first one that is not signed."""

    view: SeatView
    withdrawn: tuple[SignOff, ...]
    is_next: bool

    @property
    def seat(self) -> Seat:
        """Which one."""
        return self.view.seat

    @property
    def sign_off(self) -> SignOff | None:
        """The one that stands."""
        return self.view.sign_off


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionLine:
    """A condition with what was done about it. closing: the last one that waits or was confirmed."""

    condition: Condition
    closings: tuple[ConditionClosing, ...]
    is_closed: bool
    is_overdue: bool

    @property
    def closing(self) -> ConditionClosing | None:
        """The last closing."""
        return self.closings[-1] if self.closings else None

    @property
    def confirmation(self) -> Any:
        """Who confirmed it; None while nobody did."""
        return getattr(self.condition, "confirmation", None)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestView:
    """A request now, for one viewer.

    manifest: as it was signed. changes_...: None where there is nothing to compare with, empty where nothing changed.
    runs: those that decide or must be answered, then the newest of the others, RUNS_MAX in all; run_count: how many it
    rests on. newer_runs: the newest of the same build, asked for after the request opened; newer_count: all of them.
    """

    request: ReleaseRequest
    manifest: Mapping[str, Any]
    state: RequestState
    effect: Effect
    valid_until: datetime | None
    why_lapsed: Text | None
    checked: Checked
    seats: tuple[SeatLine, ...]
    runs: tuple[BoundRun, ...]
    run_count: int
    newer_runs: tuple[Run, ...]
    newer_count: int
    changes_since_last_request: tuple[Text, ...] | None
    changes_since_i_signed: tuple[Text, ...] | None
    reviews: tuple[Review, ...]
    comments: tuple[ReviewComment, ...]
    decisions: tuple[Decision, ...]
    conditions: tuple[ConditionLine, ...]
    waivers: tuple[Waiver, ...]

    @property
    def checklist(self) -> tuple[Item, ...]:
        """Every item."""
        return self.checked.items

    @property
    def green_count(self) -> int:
        """Full runs of the build that recommended GO when the request opened."""
        return int(self.manifest["selection"]["green"])

    @property
    def full_count(self) -> int:
        """Full runs of the build when the request opened."""
        return int(self.manifest["selection"]["full"])

    @property
    def answered(self) -> frozenset[int]:
        """Runs that the newest review which the viewer may read says something about."""
        answers = self.reviews[-1].run_answers if self.reviews else ()
        return frozenset(one["run"] for one in answers if one["answer"].strip())

    @property
    def is_for_closing(self) -> bool:
        """Whether the next decision is the GO that follows a CONDITIONAL."""
        return self.state is RequestState.CONDITIONAL


def request_view(request_id: int, *, viewer: Person, now: datetime) -> RequestView:
    """The request as this person sees it. Raises `ReleaseRequest.DoesNotExist`."""
    rows = ReleaseRequest.objects.select_related("phase", "build", "policy", "opened_by")
    request = rows.prefetch_related("decisions__sign_off").get(pk=request_id)
    state, decision = state_of(request, now=now), last_decision_of(request)
    conditions = conditions_of(request)
    manifest = read_manifest(request.manifest)
    newer, newer_count = _newer_runs(request)
    look = Look(now=now)
    return RequestView(
        request=request,
        manifest=manifest,
        state=state,
        effect=effect_of(state, has_open_before_use=decision is not None and has_open_before_use(conditions)),
        valid_until=decision.valid_until if decision and state.is_release else None,
        why_lapsed=why_lapsed(decision, now=now) if decision and state is RequestState.LAPSED else None,
        checked=check_request(request, look=look),
        seats=_seats(request, viewer=viewer, look=look),
        runs=_first_runs(request),
        run_count=request.bound_runs.count(),
        newer_runs=newer,
        newer_count=newer_count,
        changes_since_last_request=_since(_last_request(request), manifest),
        changes_since_i_signed=_since(_last_signed(request, viewer), manifest),
        reviews=_reviews(request, viewer=viewer),
        comments=tuple(request.comments.select_related("author").order_by("pk")),
        decisions=tuple(request.decisions.select_related("sign_off", "certificate", "revocation__person")),
        conditions=condition_lines(conditions, now=now),
        waivers=tuple(Waiver.objects.filter(pk__in=[one["id"] for one in manifest["waivers"]]).order_by("pk")),
    )


def condition_lines(conditions: Iterable[Condition], *, now: datetime) -> tuple[ConditionLine, ...]:
    """Conditions with their closings, oldest first. One query."""
    rows = list(conditions)
    closings = ConditionClosing.objects.select_related("closed_by").order_by("pk")
    prefetch_related_objects(rows, Prefetch("closings", queryset=closings))
    return tuple(
        ConditionLine(
            condition=row,
            closings=tuple(row.closings.all()),
            is_closed=is_closed(row),
            is_overdue=standing_of(row).is_overdue(now=now),
        )
        for row in rows
    )


def _seats(request: ReleaseRequest, *, viewer: Person, look: Look) -> tuple[SeatLine, ...]:
    views = seat_views(facts=look.facts(request), signed=look.sign_offs(request), people=look.people, viewer=viewer)
    following = next((view.seat for view in views if view.sign_off is None), None)
    gone = list(request.sign_offs.filter(withdrawal__isnull=False).select_related("withdrawal").order_by("pk"))
    return tuple(
        SeatLine(
            view=view,
            withdrawn=tuple(one for one in gone if one.seat == view.seat.value),
            is_next=view.seat is following,
        )
        for view in views
    )


def _first_runs(request: ReleaseRequest) -> tuple[BoundRun, ...]:
    telling = Q(is_deciding=True) | Q(needs_answer=True)
    bound = request.bound_runs.order_by(Case(When(telling, then=0), default=1), "-run_id")[:RUNS_MAX]
    runs = Run.objects.select_related("requested_by").defer("manifest", "environment")
    return tuple(bound.prefetch_related(Prefetch("run", queryset=runs)))


def _newer_runs(request: ReleaseRequest) -> tuple[tuple[Run, ...], int]:
    """The newest few, and how many there are; they are counted only where there are more."""
    newer = runs_of(request.build).filter(requested_at__gt=request.opened_at)
    first = tuple(newer.defer("manifest", "environment").order_by("-pk")[: NEWER_MAX + 1])
    return first[:NEWER_MAX], newer.count() if len(first) > NEWER_MAX else len(first)


def _last_request(request: ReleaseRequest) -> ReleaseRequest | None:
    """Its number comes from an index: to put rows in order is to read the manifest of each."""
    earlier = ReleaseRequest.objects.filter(phase=request.phase, pk__lt=request.pk)
    return ReleaseRequest.objects.filter(pk__in=earlier.order_by("-pk").values("pk")[:1]).first()


def _last_signed(request: ReleaseRequest, viewer: Person) -> ReleaseRequest | None:
    """The last earlier request of the phase that this person signed anything in."""
    earlier = ReleaseRequest.objects.filter(phase=request.phase, pk__lt=request.pk, sign_offs__person=viewer)
    return earlier.order_by("-pk").first()


def _since(earlier: ReleaseRequest | None, manifest: Mapping[str, Any]) -> tuple[Text, ...] | None:
    return difference(read_manifest(earlier.manifest), manifest) if earlier is not None else None


def _reviews(request: ReleaseRequest, *, viewer: Person) -> tuple[Review, ...]:
    """The signed ones, and the viewer's own draft: another's draft is nobody's business yet."""
    reviews = request.reviews.select_related("reviewer").defer("content").order_by("pk")
    return tuple(one for one in reviews if one.signed_at is not None or one.reviewer_id == viewer.pk)

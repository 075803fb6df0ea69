"""A build as its page shows it: every phase, everything anybody signed or decided about it, and the list of builds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, F, Max, Q, QuerySet, Value, When
from django.db.models.functions import Concat

from console.models import Condition, Decision, ReleaseRequest, SignOff, Waiver
from console.releases.board import HistoryLine, history_of
from console.releases.builds import TREE, PhaseOfBuild, name_of, phases_of
from console.releases.look import Look
from console.releases.request_view import ConditionLine, condition_line
from testruns.models import Build, Run
from testruns.reading import listed_runs

BUILDS_PER_PAGE = 25
SEARCH_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildView:
    """Everything about one commit. counts: how many of its runs ended with each recommendation, "" without one.

    sign_offs: withdrawn ones too, the newest first. requests: of every phase, the newest first.
    """

    builds: tuple[Build, ...]
    phases: tuple[PhaseOfBuild, ...]
    requests: tuple[HistoryLine, ...]
    decisions: tuple[Decision, ...]
    sign_offs: tuple[SignOff, ...]
    conditions: tuple[ConditionLine, ...]
    waivers: tuple[Waiver, ...]
    counts: dict[str, int]

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return name_of(self.builds[0])

    @property
    def run_count(self) -> int:
        """All of its runs."""
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedBuild:
    """A commit in the list: its builds (the newest first), how many runs it has, the newest, and what was asked for."""

    name: str
    builds: tuple[Build, ...]
    run_count: int
    last_run: Run | None
    requests: tuple[HistoryLine, ...]

    @property
    def build(self) -> Build:
        """The newest of them."""
        return self.builds[0]


def build_view(builds: tuple[Build, ...], *, now: datetime) -> BuildView:
    """Everything on record about the builds of one commit, except for the runs themselves."""
    requests = ReleaseRequest.objects.filter(build__in=builds)
    decisions = Decision.objects.filter(request__build__in=builds).defer("content", "request__manifest")
    sign_offs = SignOff.objects.filter(request__build__in=builds).defer("content", "request__manifest")
    conditions = Condition.objects.filter(decision__request__build__in=builds)
    conditions = conditions.select_related("owner", "confirmation", "decision__request__phase")
    waivers = Waiver.objects.filter(build__in=builds)
    runs = Run.objects.filter(build__in=builds).order_by().values_list("recommendation")
    return BuildView(
        builds=builds,
        phases=phases_of(builds, look=Look(now=now)),
        requests=history_of(requests, now=now),
        decisions=tuple(
            decisions.select_related("request__phase", "sign_off", "certificate", "revocation__person").order_by("-pk")
        ),
        sign_offs=tuple(sign_offs.select_related("request__phase", "withdrawal").order_by("-pk")),
        conditions=tuple(condition_line(one, now=now) for one in conditions.order_by("-decision_id", "number")),
        waivers=tuple(waivers.select_related("phase", "build", "requested_by", "answer").order_by("-pk")),
        counts=dict(runs.annotate(count=Count("pk"))),
    )


def runs_of_builds(builds: tuple[Build, ...]) -> QuerySet[Run]:
    """Every run of these builds, red ones too, the newest first."""
    return listed_runs().filter(build__in=builds)


def listed_builds(*, search: str, number: str | None, now: datetime) -> Page[ListedBuild]:
    """One page of commits, those first something ran on last. The same queries however many there are.

    search: the beginning of a commit or of a source tree's digest, or part of a name. number: of the page; one that
    does not exist gives the nearest.
    """
    rows = Build.objects.order_by().annotate(place=_PLACE)
    if search:
        digits = search.lower().removeprefix(TREE)
        rows = rows.filter(Q(commit__startswith=digits) | Q(tree_digest__startswith=digits) | Q(name__icontains=search))
    places = rows.values("place").annotate(last=Max("runs__pk"), run_count=Count("runs"), newest=Max("pk"))
    in_order: Any = places.order_by(F("last").desc(nulls_last=True), "-newest")
    page: Page[Any] = Paginator(in_order, BUILDS_PER_PAGE).get_page(number)
    page.object_list = _lines(list(page.object_list), now=now)
    return page


_PLACE = Case(
    When(commit="", then=Concat(Value(TREE), "tree_digest", output_field=CharField())),
    default="commit",
    output_field=CharField(),
)


def _lines(rows: list[dict[str, Any]], *, now: datetime) -> list[ListedBuild]:
    places = [row["place"] for row in rows]
    builds: dict[str, list[Build]] = {}
    for build in Build.objects.annotate(place=_PLACE).filter(place__in=places).order_by("-pk"):
        builds.setdefault(name_of(build), []).append(build)
    requests: dict[str, list[HistoryLine]] = {}
    found = ReleaseRequest.objects.filter(build__in=[one.pk for several in builds.values() for one in several])
    for line in history_of(found, now=now):
        requests.setdefault(name_of(line.request.build), []).append(line)
    last = {run.pk: run for run in listed_runs().filter(pk__in=[row["last"] for row in rows])}
    return [
        ListedBuild(
            name=row["place"],
            builds=tuple(builds[row["place"]]),
            run_count=row["run_count"],
            last_run=last.get(row["last"]),
            requests=_newest_of_each_phase(requests.get(row["place"], [])),
        )
        for row in rows
    ]


def _newest_of_each_phase(lines: list[HistoryLine]) -> tuple[HistoryLine, ...]:
    """In the order of the roadmap."""
    newest = {line.request.phase_id: line for line in reversed(lines)}
    return tuple(sorted(newest.values(), key=lambda line: line.request.phase.position))

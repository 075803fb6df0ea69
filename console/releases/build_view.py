"""A build as its page shows it: every phase, everything anybody signed or decided about it, and the list of builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, F, Max, Q, Value, When
from django.db.models.functions import Concat

from console.kernel.list_pages import ListPage, list_page
from console.models import Condition, Decision, ReleaseRequest, SignOff, Waiver
from console.releases.board import HistoryLine, history_of, history_page
from console.releases.builds import TREE, PhaseOfBuild, name_of, phases_of
from console.releases.request_view import condition_lines
from testruns.models import Build, Run
from testruns.reading import listed_runs
from testruns.recommendation import Recommendation

BUILDS_PER_PAGE = 25
RUNS_PER_PAGE = 10
SEARCH_MAX = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildView:
    """Everything about one commit: of what there may be many a page at a time, the newest first.

    newest: of its builds. sources: pages of all of them. requests: pages of history lines, of every phase. sign_offs:
    withdrawn ones too. conditions: pages of condition lines, those still open before the others. counts: how many of
    its runs ended with each recommendation, "" without one. recommendation: the one that `runs` is narrowed to.
    """

    newest: Build
    first_seen_at: datetime
    sources: ListPage
    phases: tuple[PhaseOfBuild, ...]
    runs: ListPage
    requests: ListPage
    decisions: ListPage
    sign_offs: ListPage
    conditions: ListPage
    waivers: ListPage
    counts: dict[str, int]
    recommendation: str

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return name_of(self.newest)

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


def build_view(builds: tuple[Build, ...], *, asked: Mapping[str, str], now: datetime) -> BuildView:
    """Everything on record about the builds of one commit, the newest of them first.

    asked: the query of an address, which says of each list what page is wanted, and with `recommendation` which runs.
    """
    decisions = Decision.objects.filter(request__build__in=builds).order_by("-pk")
    sign_offs = SignOff.objects.filter(request__build__in=builds).order_by("-pk")
    waivers = Waiver.objects.filter(build__in=builds).order_by("-pk")
    recommended = Run.objects.filter(build__in=builds).order_by().values_list("recommendation")
    counts = dict(recommended.annotate(count=Count("pk")))
    wanted = asked.get("recommendation", "")
    wanted = wanted if wanted in tuple(Recommendation) else ""
    return BuildView(
        newest=builds[0],
        first_seen_at=builds[-1].created_at,
        sources=list_page(builds, asked=asked, parameter="sources"),
        phases=phases_of(builds, now=now),
        runs=_runs(builds, wanted, counts=counts, asked=asked),
        requests=history_page(ReleaseRequest.objects.filter(build__in=builds), asked=asked, now=now),
        decisions=list_page(
            decisions.select_related("request__phase", "sign_off", "certificate", "revocation__person").only(
                *_DECISION_COLUMNS
            ),
            asked=asked,
            parameter="decisions",
        ),
        sign_offs=list_page(
            sign_offs.select_related("request__phase", "withdrawal").only(*_SIGN_OFF_COLUMNS),
            asked=asked,
            parameter="signed",
        ),
        conditions=_conditions(builds, asked=asked, now=now),
        waivers=list_page(
            waivers.select_related("phase", "build", "requested_by", "answer"), asked=asked, parameter="waivers"
        ),
        counts=counts,
        recommendation=wanted,
    )


_DECISION_COLUMNS = (
    "word",
    "reason",
    "decided_at",
    "request__phase__code",
    "sign_off__printed_name",
    "certificate__digest",
    "revocation__person__username",
    "revocation__person__printed_name",
)
_SIGN_OFF_COLUMNS = (
    "seat",
    "meaning",
    "printed_name",
    "signed_at",
    "digest",
    "request__phase__code",
    "withdrawal__at",
)
"""What their lines show: each has texts and digests beside that."""


def _runs(builds: tuple[Build, ...], wanted: str, *, counts: Mapping[str, int], asked: Mapping[str, str]) -> ListPage:
    """Runs of these builds, red ones too, the newest first; of one recommendation, if one is wanted."""
    runs = listed_runs().filter(build__in=builds)
    if wanted:
        runs = runs.filter(recommendation=wanted)
    count = counts.get(wanted, 0) if wanted else sum(counts.values())
    return list_page(runs, asked=asked, per_page=RUNS_PER_PAGE, count=count)


def _conditions(builds: tuple[Build, ...], *, asked: Mapping[str, str], now: datetime) -> ListPage:
    """As lines: what nobody has confirmed yet before what is closed."""
    rows = Condition.objects.filter(decision__request__build__in=builds)
    rows = rows.select_related("owner", "confirmation", "decision__request__phase").defer(
        "decision__content", "decision__request__manifest"
    )
    is_closed = Q(confirmation__isnull=False)
    page = list_page(
        rows.order_by(Case(When(is_closed, then=1), default=0), "-decision_id", "number"),
        asked=asked,
        parameter="conditions",
    )
    page.object_list = condition_lines(page.object_list, now=now)
    return page


def listed_builds(*, search: str, asked: Mapping[str, str], now: datetime) -> ListPage:
    """A page of commits as `ListedBuild`, those first something ran on last. The same queries however many there are.

    search: the beginning of a commit or of a source tree's digest, or part of a name. asked: the query of an address.
    """
    rows = Build.objects.order_by().annotate(place=_PLACE)
    if search:
        digits = search.lower().removeprefix(TREE)
        rows = rows.filter(Q(commit__startswith=digits) | Q(tree_digest__startswith=digits) | Q(name__icontains=search))
    places = rows.values("place").annotate(last=Max("runs__pk"), run_count=Count("runs"), newest=Max("pk"))
    in_order: Any = places.order_by(F("last").desc(nulls_last=True), "-newest")
    page = list_page(in_order, asked=asked, per_page=BUILDS_PER_PAGE)
    page.object_list = _lines(list(page), now=now)
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
    for line in history_of(_newest_requests([one.pk for several in builds.values() for one in several]), now=now):
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


def _newest_requests(builds: list[int]) -> list[int]:
    """Of each build the number of the newest of each phase: there may be a hundred before it."""
    by_build = ReleaseRequest.objects.filter(build__in=builds).order_by().values("build_id", "phase_id")
    return list(by_build.annotate(newest=Max("pk")).values_list("newest", flat=True))


def _newest_of_each_phase(lines: list[HistoryLine]) -> tuple[HistoryLine, ...]:
    """In the order of the roadmap."""
    newest = {line.request.phase_id: line for line in reversed(lines)}
    return tuple(sorted(newest.values(), key=lambda line: line.request.phase.position))

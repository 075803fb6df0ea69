"""Is it getting better? For each gate how far the last judged runs were from its limits, and which run that was.

Only rules with a distance to their limit count: one that asks for exactly 0 or 1 is held or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from console.admin.words import PROFILES, word_of
from console.kernel.charts.drawing import Dot, course_svg
from testruns.gates.policy import SHIPPED_GATES
from testruns.gates.registry import GATES
from testruns.gates.rule import Operator, Severity
from testruns.gates.verdicts import Verdict
from testruns.models import GateResult, RuleResult, Run
from testruns.plan import OWN_PROFILE
from testruns.plan import PROFILES as LIVE_PROFILES
from testruns.reading import CarefulReading

RUNS_MAX = 12
RUNS_MIN = 2
PERCENT_MAX = 999
"""Beyond it a margin is said to be there: of a limit of 1 it would be in the ten thousands."""
KEPT_SECONDS = 3600
_SHAPES = {"pass", "fail", "error"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A gate in one run. margin: of its closest rule, a share of the limit; None where none has a distance."""

    run_id: int
    profile: str
    verdict: str
    rule: str
    margin: Decimal | None

    @property
    def said(self) -> str:
        """The margin in percent, or what stands in its place."""
        if self.margin is None:
            return _("held exactly") if self.verdict == Verdict.PASS else "–"
        share = round(100 * self.margin)
        if abs(share) > PERCENT_MAX:
            return f"{'> +' if share > 0 else '< −'}{PERCENT_MAX}\u202f%"
        return f"{'+' if share > 0 else ''}{share}\u202f%".replace("-", "−")


@dataclass(frozen=True, kw_only=True, slots=True)
class Course:
    """One gate over the runs, the latest point last."""

    gate: str
    title: str
    points: tuple[Point, ...]
    svg: SafeString

    @property
    def last(self) -> Point:
        """How it stands now."""
        return self.points[-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRow:
    """One run over all gates, in the order of the courses; None where the gate was not judged."""

    run_id: int
    profile: str
    points: tuple[Point | None, ...]


def rows_of(courses: Sequence[Course]) -> tuple[RunRow, ...]:
    """The same points by run, the latest run first."""
    by_gate = [{point.run_id: point for point in course.points} for course in courses]
    profiles = {point.run_id: point.profile for course in courses for point in course.points}
    return tuple(
        RunRow(run_id=run, profile=profiles[run], points=tuple(points.get(run) for points in by_gate))
        for run in sorted(profiles, reverse=True)
    )


def margins(*, careful: CarefulReading) -> tuple[Course, ...]:
    """The courses of the gates; none before there are two judged runs. One query while no further run is judged.

    careful: is told of runs of which a margin cannot be read; those are left out.
    """
    judged = Run.objects.exclude(recommendation="").filter(profile__in=(*LIVE_PROFILES, OWN_PROFILE)).order_by("-pk")
    runs = list(judged.values_list("pk", "profile", "version")[:RUNS_MAX])[::-1]
    if len(runs) < RUNS_MIN:
        return ()
    key = f"margins:{get_language()}:{'.'.join(f'{pk}-{version}' for pk, _profile, version in runs)}"
    courses: tuple[Course, ...] | None = cache.get(key)
    if courses is None:
        courses = _read({pk: profile for pk, profile, _version in runs}, careful)
        if not careful.unreadable:
            cache.set(key, courses, KEPT_SECONDS)
    return courses


def _read(profiles: dict[int, str], careful: CarefulReading) -> tuple[Course, ...]:
    verdicts = GateResult.objects.filter(run__in=profiles, gate__in=SHIPPED_GATES)
    by_gate = {(run, gate): verdict for run, gate, verdict in verdicts.values_list("run_id", "gate", "verdict")}
    closest = _closest_rules(profiles, careful)
    addresses = {run: reverse("admin:testruns_run_change", args=[run]) for run in profiles}
    courses = []
    for gate in SHIPPED_GATES:
        points = tuple(
            Point(
                run_id=run,
                profile=profile,
                verdict=by_gate[run, gate],
                rule=closest.get((run, gate), ("", None))[0],
                margin=closest.get((run, gate), ("", None))[1],
            )
            for run, profile in profiles.items()
            if (run, gate) in by_gate
        )
        if points:
            courses.append(
                Course(gate=gate, title=GATES[gate].title, points=points, svg=_drawn(points, addresses=addresses))
            )
    return tuple(courses)


def _closest_rules(runs: dict[int, str], careful: CarefulReading) -> dict[tuple[int, str], tuple[str, Decimal | None]]:
    """By run and gate the rule with the smallest margin; one that asks for an exact value only where it failed."""
    counted = RuleResult.objects.filter(run__in=runs).exclude(margin="").exclude(severity=Severity.WARNING.value)
    asked = counted.filter(~Q(operator=Operator.EQUAL.value) | Q(verdict=Verdict.FAIL.value))
    closest: dict[tuple[int, str], tuple[str, Decimal | None]] = {}
    for run, gate, code, margin in asked.values_list("run_id", "gate", "code", "margin"):
        known, found = closest.get((run, gate), ("", None))[1], careful.of(run, partial(Decimal, margin))
        if found is not None and (known is None or found < known):
            closest[run, gate] = code, found
    return closest


def _drawn(points: Sequence[Point], *, addresses: Mapping[int, str]) -> SafeString:
    dots = [_dot(point, address=addresses[point.run_id]) for point in points]
    return mark_safe(course_svg(dots))  # noqa: S308 - escaped where it is made


def _dot(point: Point, *, address: str) -> Dot:
    """Beyond twice the limit and beyond all of it nothing is told apart."""
    word = word_of(kind="verdict", value=point.verdict)
    title: Any = _("Run %(number)s") % {"number": point.run_id}
    parts = (
        title,
        str(PROFILES.get(point.profile, point.profile)),
        str(word.text),
        f"{point.rule} {point.said}".strip(),
    )
    return Dot(
        value=_height(point),
        tone=word.tone if word.tone in _SHAPES else "unsure",
        url=address,
        title=" · ".join(parts),
    )


def _height(point: Point) -> float | None:
    if point.margin is None:
        return 1.0 if point.verdict == Verdict.PASS else None
    return float(min(max(point.margin, Decimal(-1)), Decimal(1)))

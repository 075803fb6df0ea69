"""The balance of an account as a line over time, from its movements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from console.kernel.charts.drawing import Chart, Line
from console.kernel.charts.figures import said_amount
from console.kernel.charts.shown import Clock, Shown, shown_chart
from ledger import MICROS_PER_CREDIT
from ledger.admin.history import HistoryLine

POINTS_MIN = 2
DAYS_FROM_SECONDS = 36 * 3600
SECONDS_BELOW_SECONDS = 600


def balance_chart(drawn: Sequence[HistoryLine], *, zone: str) -> Shown | None:
    """What the movements (newest first) did to the balance; None where there is no line yet.

    `zone` is the reader's own choice of a time zone, empty without one.
    """
    points: dict[datetime, float] = {}
    for item in reversed(drawn):
        points[item.line.at] = item.balance_micros / MICROS_PER_CREDIT  # of movements in one moment the last counts
    if len(points) < POINTS_MIN:
        return None
    moments, values = tuple(points), tuple(points.values())
    begins = moments[0].timestamp()
    xs = tuple(moment.timestamp() - begins for moment in moments)
    lowest, highest = said_amount(min(values)), said_amount(max(values))
    figures = {"last": said_amount(values[-1]), "lowest": lowest, "highest": highest}
    chart = Chart(
        key="chart-balance",
        title=_("Balance over time"),
        summary=_("%(last)s credits at the end, between %(lowest)s and %(highest)s.") % figures,
        unit=pgettext("unit", "credits"),
        xs=xs,
        lines=(Line(label=_("balance"), style=1, values=values),),
        is_stepped=True,
    )
    clock = Clock(
        begins=begins,
        say=lambda seconds: _said_short(begins + seconds, span=xs[-1]),
        say_whole=lambda seconds: _said_whole(begins + seconds),
        zone=zone,
    )
    return shown_chart(chart, say=said_amount, places=2, clock=clock)


def _local(at: float) -> datetime:
    return timezone.localtime(datetime.fromtimestamp(at, tz=UTC))


def _said_short(at: float, *, span: float) -> str:
    """The day where the chart spans days, else the time of day."""
    if span > DAYS_FROM_SECONDS:
        return formats.date_format(_local(at), pgettext("date format", "j M"))
    return f"{_local(at):%H:%M:%S}" if span < SECONDS_BELOW_SECONDS else f"{_local(at):%H:%M}"


def _said_whole(at: float) -> str:
    local = _local(at)
    written = formats.date_format(local, pgettext("date format", "j M Y, H:i"))
    return f"{written}:{local:%S} {local:%Z}"

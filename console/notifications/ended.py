"""Runs that ended, for who asked for them; of those that a token asked for only when the person chose so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from console.kernel.authority import Act
from console.models import Notification, NotificationChoice
from console.notifications.decided import done_by
from console.notifications.notice import LOOK_BACK, Notice, People, text, to_each
from ledger import gettext_noop
from testruns.models import Run
from testruns.plan import IMPORT_PROFILE
from testruns.recommendation import Recommendation
from testruns.run_states import RunState

_JUDGED = {
    Recommendation.GO: gettext_noop("run %(run)s ended: GO"),
    Recommendation.CONDITIONAL: gettext_noop("run %(run)s ended: CONDITIONAL"),
    Recommendation.NO_GO: gettext_noop("run %(run)s ended: NO-GO"),
    Recommendation.INCOMPLETE: gettext_noop("run %(run)s ended: INCOMPLETE"),
}
_UNFINISHED = gettext_noop("run %(run)s ended, and not every scenario was finished")
_CANCELLED = gettext_noop("run %(run)s was cancelled")
_ENDED = [state.value for state in (RunState.JUDGED, RunState.UNFINISHED, RunState.CANCELLED)]
_COLUMNS = ("requested_by_id", "via", "state", "recommendation", "sentence", "sentence_params", "finished_at")


def ended_notices(people: People, *, now: datetime) -> Iterator[Notice]:
    """Runs of the last month. An import is judged before its page is answered, so nobody waits for it.

    A run that is attempted again ends again.
    """
    runs = Run.objects.filter(state__in=_ENDED, finished_at__gte=now - LOOK_BACK, requested_by__isnull=False)
    of_tokens = set(NotificationChoice.objects.filter(tells_runs_of_tokens=True).values_list("person_id", flat=True))
    cancelled_by = done_by(Act.CANCEL_RUN)
    for run in runs.exclude(profile=IMPORT_PROFILE).only("pk", *_COLUMNS).order_by("pk"):
        is_own_doing = cancelled_by.get(f"run:{run.pk}") == f"user:{run.requested_by_id}"
        if (run.state == RunState.CANCELLED.value and is_own_doing) or run.finished_at is None:
            continue
        if run.via == "api" and run.requested_by_id not in of_tokens:
            continue
        yield from to_each(
            [run.requested_by_id],
            of=people,
            kind=Notification.Kind.RUN,
            subject=f"run:{run.pk}:{run.finished_at:%Y%m%d%H%M%S%f}",
            what=text(_template_of(run), run=run.pk),
            why=text(run.sentence, **run.sentence_params) if run.sentence else None,
            link=f"run:{run.pk}",
            at=run.finished_at,
        )


def _template_of(run: Run) -> str:
    if run.state == RunState.JUDGED.value:
        return _JUDGED[Recommendation(run.recommendation)]
    return _UNFINISHED if run.state == RunState.UNFINISHED.value else _CANCELLED

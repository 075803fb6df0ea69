"""What every act on a release does before it writes: find the request, look at its state, compare what was seen."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.kernel import audit
from console.kernel.acts import Actor
from console.kernel.errors import EvidenceChanged, InvalidInput, NotFound
from console.models import ReleaseRequest
from console.release_states import RequestState
from console.releases import state_of
from ledger import gettext_noop

from .reasons import require_reason
from .refusals import ChangedMeanwhile, RequestExpired, RequestOver

REASON_LENGTH_MAX = 2000
TEXT_LENGTH_MAX = 20_000


def request_for_update(request_id: int) -> ReleaseRequest:
    """The request, locked where the database can. Raises `NotFound`."""
    rows = ReleaseRequest.objects.select_for_update(of=("self",)).select_related("phase", "build", "policy")
    request = rows.filter(pk=request_id).first()
    if request is None:
        raise NotFound(what=f"release request {request_id}")
    return request


def require_open(request: ReleaseRequest, *, now: datetime) -> None:
    """Refuse unless the request waits for people. Raises `RequestExpired`, `RequestOver`."""
    state = state_of(request, now=now)
    if state is RequestState.EXPIRED:
        raise RequestExpired(request=request.pk)
    if state is not RequestState.OPEN:
        raise RequestOver(request=request.pk, state=state.value)


def require_seen(request: ReleaseRequest, *, manifest_digest: str) -> None:
    """Refuse unless the person saw this manifest. Raises `EvidenceChanged`."""
    if manifest_digest != request.manifest_digest:
        raise EvidenceChanged(seen=manifest_digest[:12], current=request.manifest_digest[:12])


def move(request: ReleaseRequest, *, to: RequestState | None = None) -> None:
    """Write a new state and version, or the version alone, if nobody has since it was read.

    Raises `ChangedMeanwhile`.
    """
    state = to.value if to else request.state
    rows = ReleaseRequest.objects.filter(pk=request.pk, version=request.version, state=request.state)
    if not rows.update(state=state, version=request.version + 1):
        raise ChangedMeanwhile(request=request.pk)
    request.state, request.version = state, request.version + 1


def write_down_states(*, phase_id: int, now: datetime) -> None:
    """Write what time has made of the requests of a phase: expired ones and lapsed releases."""
    for request in ReleaseRequest.objects.select_for_update().filter(phase_id=phase_id).exclude(state__in=_FINAL):
        state = state_of(request, now=now)
        if state.value == request.state:
            continue
        before = request.state
        move(request, to=state)
        act = "request.expire" if state is RequestState.EXPIRED else "release.lapse"
        audit.record(
            actor=None,
            act=act,
            object=f"request:{request.pk}",
            before={"state": before},
            after={"state": state.value},
            rows=(request,),
        )


_FINAL = [
    state.value
    for state in (
        RequestState.NO_GO,
        RequestState.EXPIRED,
        RequestState.WITHDRAWN,
        RequestState.LAPSED,
        RequestState.REVOKED,
        RequestState.SUPERSEDED,
    )
]


def required_reason(text: str) -> str:
    """The reason without blanks at its ends. Raises `InvalidInput` when it says too little or too much."""
    require_reason(text)
    return bounded(text, field="reason", length_max=REASON_LENGTH_MAX)


def bounded(text: str, *, field: str, length_max: int = TEXT_LENGTH_MAX) -> str:
    """The text without blanks at its ends. Raises `InvalidInput` when it is too long or holds a zero byte."""
    if len(text) > length_max or "\0" in text:
        raise InvalidInput(field=field, reason=gettext_noop("too long, or no plain text"))
    return text.strip()


def known_zone(zone: str) -> str:
    """The name of a time zone. Raises `InvalidInput` when nobody knows it."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise InvalidInput(field="zone", reason=gettext_noop("there is no such time zone")) from unknown
    return zone


def instant(moment: datetime) -> str:
    """A time as it stands in what is signed: UTC, to the microsecond."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def manifest_of(request: ReleaseRequest) -> dict[str, Any]:
    """The manifest the request was opened with."""
    content: dict[str, Any] = json.loads(request.manifest)
    return content


def label_of(actor: Actor) -> str:
    """The printed name of whoever acts, never empty."""
    return str(actor.person)[:150]

"""`/api/health`: whether the installation does its work, for whoever restarts or watches it. Tells no reasons.

A part is `ok`, `degraded` (it works, somebody should look) or `failed`; the answer is 503 when one failed. Reasons name
files and rows, so they stand in the console and not here.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.db import DatabaseError, connection
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel import governance_journal
from console.kernel.api.views import PublicView
from console.notifications.postbag import postbag
from console.releases.board import lapses
from ledger.condition import disk_room, live_condition
from testruns.actions.queueing import is_worker_alive, queue_is_stuck

OK, DEGRADED, FAILED = "ok", "degraded", "failed"
_WORST_LAST = (OK, DEGRADED, FAILED)

Found = dict[str, Any]


class HealthAnswer(serializers.Serializer[Any]):
    """How the installation is."""

    status = serializers.ChoiceField(choices=list(_WORST_LAST))
    checks = serializers.DictField(help_text="By part: status, and the figures behind it.")


class HealthView(PublicView):
    """How the installation is."""

    @extend_schema(responses={200: HealthAnswer, 503: HealthAnswer}, summary="Whether the installation does its work")
    def get(self, request: Request) -> Response:
        """Database, live journal, task worker, disk, the relay of the audit trail, lapsed releases, and e-mail."""
        found = {name: _guarded(check) for name, check in CHECKS.items()}
        status = max((one["status"] for one in found.values()), key=_WORST_LAST.index)
        code = HTTPStatus.SERVICE_UNAVAILABLE if status == FAILED else HTTPStatus.OK
        return Response({"status": status, "checks": found}, status=code, headers={"Cache-Control": "no-store"})


def check_database() -> Found:
    """Whether it answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {"status": OK}


def check_journal() -> Found:
    """Whether the live journal takes orders."""
    found = live_condition()
    return {"status": _good(not found.needs_attention) if found.takes_orders else FAILED, "state": found.state}


def check_worker() -> Found:
    """Whether the task worker lives and comes for what waits."""
    is_alive = is_worker_alive()
    return {"status": _good(not queue_is_stuck()) if is_alive else FAILED, "is_alive": is_alive}


def check_disk() -> Found:
    """Whether there is room; at the end of it the journal takes no orders."""
    room = disk_room()
    status = FAILED if room.is_blocked else _good(not room.is_scarce)
    return {"status": status, "used_percent": room.used_percent, "free_bytes": room.free_bytes}


def check_governance() -> Found:
    """Whether the journal beside the database follows the audit chain; which phases run on a release that lapsed."""
    state = governance_journal.state()
    lapsed = [one.phase for one in lapses(now=timezone.now())]
    is_good = state.is_begun and not state.is_behind and not lapsed
    return {"status": _good(is_good), "pending": state.pending, "lapsed": lapsed}


def check_mail() -> Found:
    """Whether e-mails leave; what waits is sent later, and stands in everybody's inbox already."""
    found = postbag()
    return {"status": _good(not found.is_stuck), "waiting": found.waiting, "failed": found.failed}


CHECKS: dict[str, Callable[[], Found]] = {
    "database": check_database,
    "journal": check_journal,
    "worker": check_worker,
    "disk": check_disk,
    "governance": check_governance,
    "mail": check_mail,
}


def _good(is_good: bool) -> str:
    return OK if is_good else DEGRADED


def _guarded(check: Callable[[], Found]) -> Found:
    """A part that cannot be looked at failed: what it needs is gone."""
    try:
        return check()
    except (DatabaseError, OSError):
        return {"status": FAILED}

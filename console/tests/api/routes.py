"""Every route of the API as the URL table has it, and a world in which each of them finds something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from console.api.about import openapi_document
from console.kernel.api.views import ApiView
from console.models import ReleaseRequest
from console.release_states import Word
from console.tests.releases.people import Team, decide, sign_three
from ledger import commands
from ledger.actions import live_ledger
from testruns.models import Evidence, Run

NOWHERE = 999_999  # the number of nothing: authority is looked at before the thing is
CREDIT = 1_000_000
_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one address; `path` as the document writes it, with {names}."""

    method: str
    path: str
    view: type[ApiView]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> dict[str, Any]:
        """What the document says of it."""
        said: dict[str, Any] = openapi_document()["paths"][self.path][self.method.lower()]
        return said

    @property
    def examples(self) -> list[Any]:
        """The bodies that the document shows; one empty object where it shows none."""
        content = self.operation.get("requestBody", {}).get("content", {})
        return [one["value"] for kind in content.values() for one in kind.get("examples", {}).values()] or [{}]

    def address(self, values: dict[str, Any]) -> str:
        """The path with its names filled in."""
        return self.path.format(**values)


def routes() -> list[Route]:
    """Every route, in the order of its address."""
    found = [
        Route(method=method, path="/" + _PLACE.sub(r"{\1}", path), view=view)
        for path, view in _views(get_resolver().url_patterns, "")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if hasattr(view, method.lower())
    ]
    return sorted(found, key=lambda route: (route.path, route.method))


def make_world(
    team: Team,
    request_5a: ReleaseRequest,
    *,
    agents: tuple[str, ...] = ("a-17", "a-18"),
    approvals: tuple[str, ...] = ("migration-9",),
) -> dict[str, Any]:
    """A decided release, its build and runs, agents and approvals; the values of every name in an address."""
    sign_three(request_5a, team)
    decide(request_5a, Word.GO, by=team.supervisor)
    ledger = live_ledger()
    for agent in agents:
        order = commands.CreateAgent(agent=agent, initial_micros=1000 * CREDIT)
        ledger.execute(order, key=agent, actor="run:1:set-up", correlation=f"agent:{agent}")
    run = Run.objects.earliest("pk")
    evidence = Evidence.objects.order_by("pk").first()
    for name in approvals:
        wish = commands.RequestApproval(
            request=name,
            action_type="credit_adjustment",
            risk_level="MEDIUM",
            context="500 credits for the migration of mission 9",
            requester="a-17",
            amount_micros=500 * CREDIT,
        )
        ledger.execute(wish, key=name, actor="run:1:set-up", correlation=f"approval:{name}")
    return {
        "run_id": run.pk,
        "execution_id": run.executions.earliest("pk").pk,
        "digest": evidence.digest if evidence else "0" * 64,
        "request_id": request_5a.pk,
        "code": "5a",
        "commit": request_5a.build.commit,
        "agent": "a-17",
        "request_name": "migration-9",
    }


def _views(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, type[ApiView]]]:
    for one in patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _views(one.url_patterns, path)
        else:
            view = getattr(one.callback, "cls", None)
            if isinstance(view, type) and issubclass(view, ApiView):
                yield path, view

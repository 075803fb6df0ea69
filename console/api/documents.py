"""Phases, release requests, builds and what is left, as API clients read them. What is not known is left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from console.certificates import Printed
from console.checklist import Item
from console.models import Condition, Decision, Phase, ReleaseRequest, SignOff
from console.release_states import Effect, RequestState
from console.releases import Standing, is_closed
from console.releases.board import HistoryLine
from console.releases.builds import PhaseOfBuild
from console.releases.left import Left
from console.releases.standing import standing_of
from testruns.api.documents import moment, told
from testruns.models import Build
from testruns.reports.words import say


def phase_document(standing: Standing, *, edges: Iterable[tuple[str, str]], now: datetime) -> dict[str, Any]:
    """A phase and how it stands. `state` is left out while nobody asked for a release."""
    phase, edges = standing.phase, list(edges)
    return told(
        phase=phase.code,
        url=reverse("api-phase", args=[phase.code]),
        title=_(phase.title),
        is_in_use=standing.is_active,
        state=standing.state.value if standing.state else None,
        meaning=_(standing.label),
        is_released=standing.effect.gate_status == 200,
        exit_code=standing.effect.exit_code,
        opened_by=[opener for opener, opened in edges if opened == phase.code],
        opens=[opened for opener, opened in edges if opener == phase.code],
        release=release_document(standing, now=now),
    )


def release_document(standing: Standing, *, now: datetime) -> dict[str, Any] | None:
    """The request that says how a phase stands, with its decision and what of its conditions is open."""
    request = standing.request
    if request is None or standing.state is None:
        return None
    head = _request(request, state=standing.state, effect=standing.effect, decision=standing.decision)
    return head | {"open_conditions": [condition_document(one, now=now) for one in standing.open_conditions]}


def history_document(line: HistoryLine) -> dict[str, Any]:
    """A request in the history of its phase."""
    return _request(line.request, state=line.state, effect=line.effect, decision=line.decision)


def _request(
    request: ReleaseRequest, *, state: RequestState, effect: Effect, decision: Decision | None
) -> dict[str, Any]:
    return told(
        request=request.pk,
        url=reverse("api-release", args=[request.pk]),
        state=state.value,
        meaning=_(effect.label),
        exit_code=effect.exit_code,
        build=build_document(request.build),
        opened_by=str(request.opened_by),
        opened_at=moment(request.opened_at),
        deadline_at=moment(request.deadline_at),
        manifest_digest=request.manifest_digest,
        decision=decision_document(decision) if decision else None,
    )


def decision_document(decision: Decision) -> dict[str, Any]:
    """What a supervisor decided."""
    return told(
        word=decision.word,
        number=decision.number,
        digest=decision.digest,
        reason=decision.reason,
        decided_at=moment(decision.decided_at),
        valid_until=moment(decision.valid_until),
    )


def build_document(build: Build) -> dict[str, Any]:
    """What is judged and released."""
    return told(name=build.name, commit=build.commit, tree_digest=build.tree_digest, is_clean=build.is_clean)


def condition_document(condition: Condition, *, now: datetime) -> dict[str, Any]:
    """A condition as it is now."""
    return {
        "id": f"C{condition.number}",
        "text": condition.text,
        "kind": condition.kind,
        "owner": str(condition.owner),
        "due_date": condition.due_date.isoformat(),
        "is_closed": is_closed(condition),
        "is_overdue": standing_of(condition).is_overdue(now=now),
    }


def item_document(item: Item) -> dict[str, Any]:
    """A line of the checklist with why it is red or green, and who can clear it."""
    return told(
        code=item.code,
        title=say(**item.title),
        is_green=item.is_green,
        why=say(**item.why),
        act=item.act.value,
        roles=[role.value for role in item.who_can_clear],
        people=list(item.people),
        blocks=sorted(word.value for word in item.blocks),
        link=item.link,
    )


def left_document(one: Left) -> dict[str, Any]:
    """Something that is left to do: the act, who may do it, and until when."""
    return told(
        code=one.code,
        title=say(**one.title),
        why=say(**one.why),
        act=one.act.value,
        roles=[role.value for role in one.roles],
        people=list(one.people),
        until=moment(one.until),
        link=one.link,
    )


def sign_off_document(one: SignOff) -> dict[str, Any]:
    """A signature that stands."""
    return told(
        seat=one.seat,
        printed_name=one.printed_name,
        role=one.role,
        meaning=one.meaning,
        reason=one.reason,
        signed_at=moment(one.signed_at),
        digest=one.digest,
    )


def phase_of_build_document(one: PhaseOfBuild, *, now: datetime) -> dict[str, Any]:
    """How a build stands in a phase."""
    return phase_state(one.standing.phase, one.standing) | told(
        release=release_document(one.standing, now=now),
        signed=[sign_off_document(sign_off) for sign_off in one.signed],
        left=[left_document(left) for left in one.left],
    )


def phase_state(phase: Phase, standing: Standing) -> dict[str, Any]:
    """The phase and, in a word and in words, how something stands in it."""
    return told(
        phase=phase.code,
        state=standing.state.value if standing.state else None,
        meaning=_(standing.label),
        exit_code=standing.effect.exit_code,
    )


def gate_document(
    standing: Standing, page: Printed, *, conditions: Sequence[Condition], now: datetime
) -> dict[str, Any]:
    """The release of a build, from the verified certificate; how its conditions are now, from their rows."""
    assert standing.request is not None
    return phase_state(standing.phase, standing) | {
        "decision": page.word,
        "build": told(name=page.build["name"], commit=page.build.get("commit"), tree_digest=page.build["treeDigest"]),
        "decided_at": moment(page.decided.utc),
        "valid_until": moment(page.valid_until.utc),
        "conditions": [condition_document(one, now=now) for one in conditions],
        "certificate": {
            "digest": page.digest,
            "url": reverse("api-certificate", args=[standing.request.pk]),
            "key_ids": page.key_ids,
        },
        "manifest_digest": page.manifest_digest,
        "request": standing.request.pk,
    }


def address_of(request: HttpRequest, name: str, *arguments: object) -> str:
    """The whole address of one of ours."""
    return request.build_absolute_uri(reverse(name, args=arguments))

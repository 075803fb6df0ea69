"""What waits for the reader, from every part of the console in one list: the nearest deadline first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from console.admin.people_lines import proposals
from console.kernel.authority import Act
from console.kernel.doors import actor_of, has_act, person_of
from console.models import PhaseEdit
from console.releases.waiting import waits_for
from console.templatetags.releases import address, sentence
from ledger.actions import is_person_behind
from ledger.admin.approvals import pending_lines
from testruns.actions import editors_of
from testruns.draft_states import DraftState
from testruns.models import PolicyDraft


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxLine:
    """One thing in the reader's language, where it is done, and when it is too late."""

    what: str
    url: str
    deadline: datetime | None


def inbox_of(request: HttpRequest) -> list[InboxLine]:
    """Everything that waits for the signed-in person now."""
    lines = [*_releases(request), *_approvals(request), *_policies(request), *_phases(request), *_people(request)]
    return sorted(lines, key=lambda line: (line.deadline is None, line.deadline or timezone.now(), line.what))


def _releases(request: HttpRequest) -> Iterator[InboxLine]:
    for one in waits_for(person_of(request), now=timezone.now()):
        yield InboxLine(what=sentence(one.what), url=address(one.link), deadline=one.deadline)


def _approvals(request: HttpRequest) -> Iterator[InboxLine]:
    """Pending ones that this person neither asked for nor agreed to already."""
    if not has_act(request, Act.DECIDE_LEDGER_APPROVAL):
        return
    label = actor_of(request).label
    for line in pending_lines():
        own = any(is_person_behind(label, actor=name) for name in (line.approval.requester, *line.approval.approvers))
        if line.is_overdue or own:
            continue
        name = line.approval.request
        url = f"{reverse('admin:approval')}?{urlencode({'request': name})}"
        yield InboxLine(what=_("Approve or deny %(request)s") % {"request": name}, url=url, deadline=line.expires_at)


def _policies(request: HttpRequest) -> Iterator[InboxLine]:
    """Submitted drafts that somebody else edited."""
    if not has_act(request, Act.ACTIVATE_POLICY):
        return
    for draft in PolicyDraft.objects.filter(state=DraftState.SUBMITTED.value):
        if person_of(request).pk not in editors_of(draft):
            what = _("Look at policy %(number)s and activate it") % {"number": draft.number}
            yield InboxLine(what=what, url=reverse("admin:testruns_policy_draft", args=[draft.pk]), deadline=None)


def _phases(request: HttpRequest) -> Iterator[InboxLine]:
    """Proposed definitions of phases that somebody else proposed."""
    if not has_act(request, Act.ACTIVATE_PHASE):
        return
    waiting = PhaseEdit.objects.filter(answer__isnull=True).exclude(proposed_by=person_of(request))
    for edit in waiting.select_related("phase").order_by("pk"):
        what = _("Look at definition %(number)s of phase %(code)s and put it in force") % {
            "number": edit.number,
            "code": edit.phase.code,
        }
        url = reverse("admin:release_phase_definition", args=[edit.phase.code])
        yield InboxLine(what=what, url=url, deadline=None)


def _people(request: HttpRequest) -> Iterator[InboxLine]:
    """Roles and first passwords that this person may confirm."""
    if not (has_act(request, Act.CONFIRM_ROLE) or has_act(request, Act.CONFIRM_RESET)):
        return
    for one in proposals(request):
        if not one.why_not:
            text = (
                _("Confirm the role %(role)s of %(person)s") if one.is_role else _("Confirm a password of %(person)s")
            )
            what = text % {"role": one.role, "person": one.row.person}
            url = reverse("admin:kernel_person_change", args=[one.row.person_id])
            yield InboxLine(what=what, url=url, deadline=None)

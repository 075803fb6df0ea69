"""What waits for one person, from every part of the console: the nearest deadline first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from console.checklist import Text
from console.kernel.acts import Actor
from console.kernel.authority import ROLE_LABELS, Act, Role, may
from console.kernel.models import PasswordReset, Person, RoleGrant
from console.kernel.second_person import why_not_second
from console.models import Notification, PhaseEdit
from console.notifications.notice import Notice, People, text, verbatim
from console.releases import Look
from console.releases.waiting import Waiting, waits_for
from ledger import gettext_noop
from ledger.actions import is_person_behind
from ledger.admin.approvals import pending_lines
from testruns.actions import editors_of
from testruns.draft_states import DraftState
from testruns.models import PolicyDraft

_APPROVAL = gettext_noop("Approve or deny %(request)s")
_POLICY = gettext_noop("Look at policy %(number)s and activate it")
_PHASE = gettext_noop("Look at definition %(number)s of phase %(code)s and put it in force")
_ROLE = gettext_noop("Confirm the role %(role)s of %(person)s")
_PASSWORD = gettext_noop("Confirm a password of %(person)s")


def what_waits_for(person: Person, *, look: Look) -> tuple[Waiting, ...]:
    """Everything that waits for this person."""
    roles = look.people.get(person, frozenset())
    found = [
        *waits_for(person, roles=roles, look=look),
        *_approvals(person, roles),
        *_policies(person, roles),
        *_phases(person, roles),
        *_people(person, roles),
    ]
    return tuple(sorted(found, key=lambda one: (one.deadline is None, one.deadline or look.now, one.link)))


def waiting_notices(people: People, *, now: datetime) -> Iterator[Notice]:
    """The same as notices for everybody."""
    look = Look(now=now)
    for person in people:
        for one in what_waits_for(person, look=look):
            yield Notice(
                person=person.pk,
                kind=Notification.Kind.WAITING,
                subject=one.subject,
                what=one.what,
                link=one.link,
                deadline=one.deadline,
            )


def _approvals(person: Person, roles: frozenset[Role]) -> Iterator[Waiting]:
    """Pending ones that this person neither asked for nor agreed to already."""
    if not may(act=Act.DECIDE_LEDGER_APPROVAL, roles=roles):
        return
    label = Actor(person=person, via="console").label
    for line in pending_lines():
        own = any(is_person_behind(label, actor=name) for name in (line.approval.requester, *line.approval.approvers))
        if not line.is_overdue and not own:
            name = line.approval.request
            what = text(_APPROVAL, request=verbatim(name))
            yield _waiting(what, link=f"approval:{name}", subject=f"decide:approval:{name}", deadline=line.expires_at)


def _policies(person: Person, roles: frozenset[Role]) -> Iterator[Waiting]:
    """Submitted drafts that somebody else edited."""
    if not may(act=Act.ACTIVATE_POLICY, roles=roles):
        return
    for draft in PolicyDraft.objects.filter(state=DraftState.SUBMITTED.value).order_by("pk"):
        if person.pk not in editors_of(draft):
            what = text(_POLICY, number=draft.number)
            yield _waiting(what, link=f"draft:{draft.pk}", subject=f"activate:draft:{draft.pk}:{draft.version}")


def _phases(person: Person, roles: frozenset[Role]) -> Iterator[Waiting]:
    """Proposed definitions of phases that somebody else proposed."""
    if not may(act=Act.ACTIVATE_PHASE, roles=roles):
        return
    waiting = PhaseEdit.objects.filter(answer__isnull=True).exclude(proposed_by=person)
    for edit in waiting.select_related("phase").order_by("pk"):
        what = text(_PHASE, number=edit.number, code=edit.phase.code)
        yield _waiting(what, link=f"definition:{edit.phase.code}", subject=f"activate:phase-edit:{edit.pk}")


def _people(person: Person, roles: frozenset[Role]) -> Iterator[Waiting]:
    """Roles and first passwords that this person may confirm, the oldest first."""
    proposed: list[RoleGrant | PasswordReset] = []
    if may(act=Act.CONFIRM_ROLE, roles=roles):
        proposed += _unconfirmed(RoleGrant)
    if may(act=Act.CONFIRM_RESET, roles=roles):
        proposed += _unconfirmed(PasswordReset)
    for row in sorted(proposed, key=lambda one: one.proposed_at):
        if why_not_second(confirmer=person, proposal=row) is None:
            what, kind = _proposal(row)
            yield _waiting(what, link=f"person:{row.person_id}", subject=f"confirm:{kind}:{row.pk}")


def _unconfirmed(model: type[RoleGrant] | type[PasswordReset]) -> list[RoleGrant | PasswordReset]:
    waiting = model._default_manager.filter(confirmed_at__isnull=True, ended_at__isnull=True)
    return list(waiting.prefetch_related("person"))


def _proposal(row: RoleGrant | PasswordReset) -> tuple[Text, str]:
    whose = verbatim(str(row.person))
    if isinstance(row, RoleGrant):
        return text(_ROLE, role=text(ROLE_LABELS[Role(row.role)]), person=whose), "role"
    return text(_PASSWORD, person=whose), "reset"


def _waiting(what: Text, *, link: str, subject: str, deadline: datetime | None = None) -> Waiting:
    return Waiting(what=what, link=link, subject=subject, deadline=deadline)

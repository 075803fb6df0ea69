"""Approvals of the live journal that wait for people: who asks for what, how many must agree, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.kernel.authority import Act
from console.kernel.doors import Page, Section, actor_of, add_section, explain, has_act, why_not
from console.kernel.errors import GatehouseError
from console.kernel.models import Person
from ledger import Approval, ApprovalState, LedgerError
from ledger.actions import decide_ledger_approval, is_person_behind, live_ledger
from ledger.condition import live_condition
from ledger.conf import live_journal
from ledger.credits.errors import UnknownApproval
from ledger.credits.policy import APPROVAL_RULES, REASON_LENGTH_MIN, RiskLevel

LIST = "admin:approvals"
SHOWN = 200
DECISIONS = {"approve": True, "deny": False}
REQUEST_LENGTH_MAX = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """The people behind the actors of a journal."""

    people: dict[int, str]

    @classmethod
    def of(cls, labels: set[str]) -> Names:
        """One query for all labels."""
        numbers = {number for label in labels if (number := _person_number(label)) is not None}
        return cls(people={person.pk: str(person) for person in Person.objects.filter(pk__in=numbers)})

    def name(self, label: str) -> str:
        """The printed name, with the label beside it; the label alone when nobody is behind it."""
        number = _person_number(label)
        name = self.people.get(number) if number is not None else None
        return f"{name} ({label})" if name else label


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalLine:
    """An approval as a page shows it."""

    approval: Approval
    requester: str
    approvers: tuple[str, ...]
    decided_by: str
    is_overdue: bool
    seconds_left: int

    @property
    def expires_at(self) -> datetime:
        """The end of its time."""
        return datetime.fromisoformat(self.approval.expires_at)

    @property
    def requested_at(self) -> datetime:
        """When it was asked for."""
        return datetime.fromisoformat(self.approval.requested_at)

    @property
    def decided_at(self) -> datetime | None:
        """When it got its final state."""
        return datetime.fromisoformat(self.approval.decided_at) if self.approval.decided_at else None

    @property
    def missing_count(self) -> int:
        """How many more people must agree."""
        return max(self.approval.approvals_needed - len(self.approval.approvers), 0)

    @property
    def state(self) -> str:
        """Its state as it is now: what is overdue is expired, whether or not the journal says so yet."""
        return ApprovalState.EXPIRED.value if self.is_overdue else self.approval.state.value

    @property
    def is_justification_needed(self) -> bool:
        """Whether approving takes a justification; denying always does."""
        return APPROVAL_RULES[RiskLevel(self.approval.risk_level)].is_justification_needed


def approvals(request: HttpRequest) -> HttpResponse:
    """Everything that waits, the most urgent first; what expired meanwhile is listed as expired."""
    lines = pending_lines()
    context = {
        "waiting": [line for line in lines if not line.is_overdue][:SHOWN],
        "expired": [line for line in lines if line.is_overdue][:SHOWN],
        "hidden_count": max(len(lines) - SHOWN, 0),
        "condition": live_condition(),
    }
    return _render(request, "ledger/approvals.html", title=_("Approvals"), **context)


def approval(request: HttpRequest) -> HttpResponse:
    """One approval. GET: read it. POST: approve or deny; a refusal keeps what was typed."""
    name = (request.POST.get("request") or request.GET.get("request", ""))[: REQUEST_LENGTH_MAX + 1]
    if not live_condition().is_readable:
        return redirect(LIST)
    refusal = None
    if request.method == "POST":
        try:
            return _decide(request, name)
        except (GatehouseError, LedgerError) as refused:
            refusal = refused
            messages.error(request, explain(refused))
    line = _line_of(name)
    response = _render(
        request,
        "ledger/approval.html",
        title=_("Approval %(request)s") % {"request": name},
        line=line,
        typed=request.POST.get("justification", ""),
        why_not=_why_not(request, line),
        may_deny=_may_deny(request, line),
        stream=f"approval:{name}",
        reason_length=REASON_LENGTH_MIN,
    )
    response.status_code = 422 if refusal else 200
    return response


def pending_lines() -> list[ApprovalLine]:
    """What the live journal holds as pending, by the end of its time; nothing before there is a journal."""
    if not live_journal().is_dir() or not live_condition().is_readable:
        return []
    found = sorted(live_ledger().approvals(state=ApprovalState.PENDING), key=lambda one: one.expires_at)
    return _lines(found)


def _lines(found: list[Approval]) -> list[ApprovalLine]:
    names = Names.of({label for one in found for label in (one.requester, *one.approvers, one.decided_by or "")})
    now = timezone.now()
    return [_line(one, names=names, now=now) for one in found]


def _line(one: Approval, *, names: Names, now: datetime) -> ApprovalLine:
    seconds = int((datetime.fromisoformat(one.expires_at) - now).total_seconds())
    return ApprovalLine(
        approval=one,
        requester=names.name(one.requester),
        approvers=tuple(names.name(label) for label in one.approvers),
        decided_by=names.name(one.decided_by) if one.decided_by else "",
        is_overdue=one.state is ApprovalState.PENDING and seconds < 0,
        seconds_left=max(seconds, 0),
    )


def _line_of(name: str) -> ApprovalLine:
    try:
        found = live_ledger().approval(name)
    except UnknownApproval as unknown:
        raise Http404(str(unknown)) from unknown
    return _lines([found])[0]


def _decide(request: HttpRequest, name: str) -> HttpResponse:
    decision = request.POST.get("decision", "")
    if decision not in DECISIONS:
        raise Http404
    decided = decide_ledger_approval(
        actor=actor_of(request),
        request=name,
        is_approval=DECISIONS[decision],
        justification=request.POST.get("justification", ""),
    )
    messages.success(request, _said(decided))
    return redirect(LIST)


def _said(decided: Approval) -> str:
    if decided.state is ApprovalState.PENDING:
        missing = decided.approvals_needed - len(decided.approvers)
        text = _("Your approval of %(request)s is recorded. People who must still agree: %(n)s.")
        return text % {"request": decided.request, "n": missing}
    if decided.state is ApprovalState.APPROVED:
        return _("%(request)s is approved.") % {"request": decided.request}
    return _("%(request)s is denied.") % {"request": decided.request}


def _why_not(request: HttpRequest, line: ApprovalLine) -> str:
    """Why this person cannot decide, in the order in which they could do something about it; empty when they can."""
    if by_role := why_not(request, Act.DECIDE_LEDGER_APPROVAL):
        return by_role
    if is_person_behind(_label(request), actor=line.approval.requester):
        return _("You asked for it yourself. Another person must decide.")
    if _label(request) in line.approval.approvers:
        return _("You approved it already. The other approval must come from someone else; you may still deny it.")
    return ""


def _may_deny(request: HttpRequest, line: ApprovalLine) -> bool:
    """Whoever may decide may deny, also after having approved."""
    is_own = is_person_behind(_label(request), actor=line.approval.requester)
    return has_act(request, Act.DECIDE_LEDGER_APPROVAL) and not is_own


def _label(request: HttpRequest) -> str:
    return actor_of(request).label


def _person_number(label: str) -> int | None:
    """The person in `user:7` or `token:3:user:7`."""
    kind, _separator, number = label.rpartition(":")
    is_person = kind == "user" or kind.endswith(":user")
    return int(number) if is_person and number.isascii() and number.isdecimal() and len(number) < 19 else None


def _render(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})


add_section(
    Section(
        code="approvals",
        title=gettext_lazy("Approvals"),
        icon="pass",
        url_name=LIST,
        order=35,
        pages=(
            Page(route="approvals/", view=approvals, name="approvals"),
            Page(route="approvals/one/", view=approval, name="approval"),
        ),
    )
)

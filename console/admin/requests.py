"""The page of a release request, and the acts on it that are no signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from console import actions
from console.admin.seat_words import said_of_others
from console.eligibility import SeatNeedsRole, SeatNotYet
from console.kernel.authority import Act, Role
from console.kernel.doors import act_view, actor_of, explain, has_act, person_of, return_path, roles_of
from console.kernel.models import Person
from console.models import ReleaseRequest, ReviewComment
from console.release_states import RequestState, Seat
from console.releases.request_view import RequestView, SeatLine, request_view
from testruns.admin.downloads import as_attachment

LIST = "admin:releases"
LEVEL_MAX = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatOffer:
    """A seat with what the viewer can do at it. url: of the page to sign on; why_not: why there is no button.

    is_mine: whether the viewer can fill it. is_for_me: whether it concerns the viewer at all; to a superuser it is
    said that being one is no role.
    """

    line: SeatLine
    url: str
    why_not: str
    is_for_me: bool
    is_mine: bool
    may_withdraw: bool
    excluded: tuple[tuple[Person, str], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """A comment in its thread. level: how deep, at most 3."""

    comment: ReviewComment
    level: int


@require_safe
def request_page(request: HttpRequest, request_id: int) -> HttpResponse:
    """Everything about one request."""
    view = view_of(request, request_id)
    offers = [_offer(view, line, person_of(request)) for line in view.seats]
    is_open = view.state is RequestState.OPEN
    context = {
        **admin.site.each_context(request),
        "title": _("Release request %(number)s") % {"number": request_id},
        **frame_of(view),
        "seats": offers,
        "my_turn": next((one for one in offers if is_open and one.line.is_next and one.is_mine), None),
        "thread": thread_of(view.comments),
        "may_comment": has_act(request, Act.COMMENT_REVIEW),
        "may_withdraw": _may_withdraw(request, view),
        "may_revoke": view.state.is_release and has_act(request, Act.REVOKE_RELEASE),
        "may_close": _may_close(view, person_of(request)),
        "has_review_draft": any(one.signed_at is None for one in view.reviews),
    }
    return TemplateResponse(request, "console/releases/request.html", context)


def view_of(request: HttpRequest, request_id: int) -> RequestView:
    """The request as the signed-in person sees it. Http404."""
    try:
        return request_view(request_id, viewer=person_of(request), now=timezone.now())
    except ReleaseRequest.DoesNotExist:
        raise Http404 from None


def frame_of(view: RequestView) -> dict[str, Any]:
    """What every page about a request shows of it."""
    red = [item for item in view.checklist if not item.is_green]
    following = next((line for line in view.seats if line.is_next), None)
    return {"view": view, "red": red, "green_count": len(view.checklist) - len(red), "next_seat": following}


def thread_of(comments: Sequence[ReviewComment]) -> list[Said]:
    """Comments in the order of a conversation: each answer below what it answers."""
    answers: dict[int | None, list[ReviewComment]] = {}
    for one in comments:
        answers.setdefault(one.reply_to_id, []).append(one)
    said: list[Said] = []
    waiting = [(one, 0) for one in reversed(answers.get(None, []))]
    while waiting:
        one, level = waiting.pop()
        said.append(Said(comment=one, level=min(level, LEVEL_MAX)))
        waiting.extend((answer, level + 1) for answer in reversed(answers.get(one.pk, [])))
    return said


@require_safe
def manifest_file(request: HttpRequest, request_id: int) -> HttpResponse:
    """The exact bytes whose SHA-256 people sign."""
    text = ReleaseRequest.objects.filter(pk=request_id).values_list("manifest", flat=True).first()
    if text is None:
        raise Http404
    name = f"gatehouse-request-{request_id}-manifest.json"
    return as_attachment(text.encode(), media_type="application/json", name=name)


@act_view(back=LIST)
def comment(request: HttpRequest, request_id: int) -> HttpResponse:
    """Say something in the thread."""
    answered = request.POST.get("reply_to", "")
    reply_to = int(answered) if answered.isdecimal() else None
    text = request.POST.get("text", "")
    row = actions.comment(actor=actor_of(request), request_id=request_id, text=text, reply_to=reply_to)
    return redirect(f"{_address(request_id)}#comment-{row.pk}")


@act_view(back=LIST)
def withdraw(request: HttpRequest, request_id: int) -> HttpResponse:
    """Withdraw the request."""
    actions.withdraw_request(actor=actor_of(request), request_id=request_id, reason=_reason(request))
    messages.success(request, _("The request is withdrawn."))
    return redirect(_address(request_id))


@act_view(back=LIST)
def withdraw_sign_off(request: HttpRequest, sign_off_id: int) -> HttpResponse:
    """Withdraw one's own signature."""
    row = actions.withdraw_sign_off(actor=actor_of(request), sign_off_id=sign_off_id, reason=_reason(request))
    messages.success(request, _("Your signature is withdrawn. It stays on record, and so does the withdrawal."))
    return redirect(return_path(request, fallback=_address(row.sign_off.request_id)))


@act_view(back=LIST)
def revoke(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Take a release back."""
    row = actions.revoke_release(actor=actor_of(request), decision_id=decision_id, reason=_reason(request))
    messages.success(request, _("The release is revoked."))
    return redirect(_address(row.decision.request_id))


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")


def _address(request_id: int) -> str:
    return reverse("admin:release_request", args=[request_id])


def _offer(view: RequestView, line: SeatLine, viewer: Person) -> SeatOffer:
    sign_off, refusal = line.sign_off, line.view.why_not
    is_early = isinstance(refusal, SeatNotYet) and line.seat in (Seat.REVIEWER, Seat.SUPERVISOR)
    is_open = view.state is RequestState.OPEN
    return SeatOffer(
        line=line,
        url=_signing_address(view.request.pk, line.seat),
        why_not=explain(refusal) if refusal is not None and not is_early else "",
        is_mine=viewer in line.view.eligible,
        is_for_me=not isinstance(refusal, SeatNeedsRole) or viewer.is_superuser,
        may_withdraw=is_open and sign_off is not None and sign_off.person_id == viewer.pk,
        excluded=tuple((person, said_of_others(why)) for person, why in line.view.excluded),
    )


def _signing_address(request_id: int, seat: Seat) -> str:
    if seat is Seat.SUPERVISOR:
        return reverse("admin:release_decide", args=[request_id])
    if seat is Seat.REVIEWER:
        return reverse("admin:release_review_edit", args=[request_id])
    return reverse("admin:release_sign", args=[request_id, seat.value.lower()])


def _may_withdraw(request: HttpRequest, view: RequestView) -> bool:
    is_mine = view.request.opened_by_id == person_of(request).pk
    may = has_act(request, Act.WITHDRAW_REQUEST) and (is_mine or Role.SUPERVISOR in roles_of(request))
    return view.state is RequestState.OPEN and may


def _may_close(view: RequestView, viewer: Person) -> bool:
    """Whether the GO that follows a CONDITIONAL can be given now, by this person."""
    supervisor = next(line for line in view.seats if line.seat is Seat.SUPERVISOR)
    is_ready = bool(view.conditions) and all(one.is_closed for one in view.conditions)
    return view.is_for_closing and is_ready and viewer in supervisor.view.eligible

"""The pages on which people sign: engineer, tester and reviewer, and the supervisor's decision.

A refusal is shown beside the form that keeps what was entered; only the password is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from console import actions
from console.actions.viewing import view_signing_page
from console.admin.requests import frame_of, view_of
from console.admin.reviews import lacks_of
from console.admin.seat_words import lost_seats
from console.admin.signing_forms import ConditionRows, DecideForm, SignatureForm, SignForm, proposed_rows
from console.admin.words import word_of
from console.checklist import blockers
from console.eligibility import ACT_OF_SEAT, SeatNotYet
from console.kernel.doors import actor_of, explain, person_of, roles_of
from console.kernel.errors import (
    EvidenceChanged,
    GatehouseError,
    NotAllowed,
    PasswordNotOwn,
    TooManyAttempts,
    WrongPassword,
)
from console.models import Review
from console.release_states import (
    MEANING_OF_WORD,
    MEANINGS,
    ClosingRule,
    ConditionKind,
    RequestState,
    Seat,
    Word,
    words_allowed,
)
from console.releases.request_view import RequestView
from console.templatetags.releases import text

METHODS = ["GET", "HEAD", "POST"]
SEATS: Mapping[str, Seat] = MappingProxyType(
    {"engineer": Seat.ENGINEER, "tester": Seat.TESTER, "reviewer": Seat.REVIEWER}
)

_CLEARED_BY_SIGNING = ("review", "seats")


@dataclass(frozen=True, kw_only=True, slots=True)
class WordLine:
    """A decision with the reason why it cannot be taken; empty when it can."""

    word: Word
    meaning: str
    why_not: str


@require_http_methods(METHODS)
def sign_page(request: HttpRequest, request_id: int, seat: str) -> HttpResponse:
    """Sign as engineer, tester or reviewer; a reviewer without a complete draft is led to write it first."""
    if seat not in SEATS:
        raise Http404
    view, place = view_of(request, request_id), SEATS[seat]
    review = _own_review(view) if place is Seat.REVIEWER else None
    if place is Seat.REVIEWER and review is None:
        return redirect("admin:release_review_edit", request_id)
    if review is not None and request.method != "POST" and (lacks := lacks_of(review, view=view)):
        messages.warning(request, _("The review cannot be signed yet: %(lacks)s.") % {"lacks": lacks})
        return redirect("admin:release_review_edit", request_id)
    form = SignForm(request.POST or None, meanings=MEANINGS[place])
    sign = _signature_of(request, view=view, seat=place, form=form)
    answer, refused, status = _tried(request, form=form, is_complete=True, act=sign, view=view)
    if answer is not None:
        return answer
    context = {
        "title": _("Sign as %(seat)s") % {"seat": word_of(kind="seat", value=place.value).text},
        "form": form,
        "review": review,
        "refused": refused,
        **_frame(request, view=view, seat=place),
    }
    return _served(request, view=view, seat=place, context=context, status=status)


@require_http_methods(METHODS)
def decide_page(request: HttpRequest, request_id: int) -> HttpResponse:
    """Decide GO, CONDITIONAL or NO_GO, with conditions; or GO after a CONDITIONAL whose conditions are closed."""
    view = view_of(request, request_id)
    is_more = "more" in request.POST
    form = DecideForm(None if is_more else request.POST or None)
    review = _signed_review(view)
    rows = None if view.is_for_closing else _condition_rows(request, review=review, is_more=is_more)
    is_conditional = request.POST.get("word") == Word.CONDITIONAL.value
    is_complete = not is_conditional or rows is None or rows.is_valid()
    decide = _decision_of(request, view=view, form=form, rows=rows)
    answer, refused, status = _tried(request, form=form, is_complete=is_complete, act=decide, view=view)
    if answer is not None:
        return answer
    context = {
        "title": _("Decide release request %(number)s") % {"number": request_id},
        "is_decision": True,
        "form": form,
        "words": _words(view),
        "conditions": rows,
        "conditions_open": is_more or is_conditional or not _is_possible(view, Word.GO),
        "valid_until": view.checked.valid_until(view.request.policy, now=timezone.now()),
        "review": review,
        "refused": refused,
        **_frame(request, view=view, seat=Seat.SUPERVISOR),
    }
    return _served(request, view=view, seat=Seat.SUPERVISOR, context=context, status=status)


def _tried(
    request: HttpRequest,
    *,
    form: SignatureForm,
    is_complete: bool,
    act: Callable[[], HttpResponse],
    view: RequestView,
) -> tuple[HttpResponse | None, str, int]:
    """Act when a complete form was sent: an answer, or why there is none and with which status the page comes back."""
    if not form.is_bound:
        return None, "", 200
    if not form.is_valid() or not is_complete:
        return None, "", 422
    try:
        return act(), "", 200
    except EvidenceChanged as changed:
        return _changed_page(request, view=view, changed=changed), "", 412
    except GatehouseError as refusal:
        return None, explain(refusal), _status_of(refusal)


def _signature_of(
    request: HttpRequest, *, view: RequestView, seat: Seat, form: SignatureForm
) -> Callable[[], HttpResponse]:
    def sign() -> HttpResponse:
        given = form.cleaned_data
        once: dict[str, Any] = {
            "actor": actor_of(request),
            "request_id": view.request.pk,
            "manifest_digest": given["manifest_digest"],
            "meaning": given["meaning"],
            "password": given["password"],
            "zone": given["zone"],
        }
        if seat is Seat.REVIEWER:
            actions.sign_review(**once, review_digest=given["review_digest"])
        else:
            actions.sign_seat(**once, seat=seat)
        name = word_of(kind="seat", value=seat.value).text
        messages.success(request, _("You have signed as %(seat)s.") % {"seat": name})
        return redirect("admin:release_request", view.request.pk)

    return sign


def _decision_of(
    request: HttpRequest, *, view: RequestView, form: SignatureForm, rows: Any
) -> Callable[[], HttpResponse]:
    def decide() -> HttpResponse:
        given = form.cleaned_data
        word = Word(given["word"])
        decision = actions.decide(
            actor=actor_of(request),
            request_id=view.request.pk,
            word=word,
            manifest_digest=given["manifest_digest"],
            meaning=MEANING_OF_WORD[word].value,
            password=given["password"],
            zone=given["zone"],
            reason=given["reason"],
            conditions=_conditions(rows) if word is Word.CONDITIONAL and rows is not None else (),
        )
        said = word_of(kind="decision", value=decision.word).text
        messages.success(request, _("You have decided: %(word)s.") % {"word": said})
        return redirect("admin:release_request", view.request.pk)

    return decide


def _conditions(rows: Any) -> tuple[actions.NewCondition, ...]:
    filled = (row.cleaned_data for row in rows if row.cleaned_data.get("text", "").strip())
    return tuple(
        actions.NewCondition(
            text=row["text"],
            kind=ConditionKind(row["kind"]),
            owner=row["owner"].pk,
            due_date=row["due_date"],
            closing_rule=ClosingRule(row["closing_rule"]),
        )
        for row in filled
    )


def _condition_rows(request: HttpRequest, *, review: Review | None, is_more: bool) -> Any:
    """The rows of conditions: what was sent (with one more when asked), else what is proposed."""
    if request.method != "POST":
        proposed = review.proposed_conditions if review is not None else []
        return ConditionRows(prefix="conditions", initial=proposed_rows(proposed, _))
    sent = request.POST.copy()
    if is_more:
        count = sent.get("conditions-TOTAL_FORMS", "0")
        sent["conditions-TOTAL_FORMS"] = str(int(count) + 1 if count.isdecimal() and len(count) < 4 else 1)
    return ConditionRows(sent, prefix="conditions")


def _words(view: RequestView) -> list[WordLine]:
    return [
        WordLine(word=word, meaning=MEANING_OF_WORD[word].value, why_not=_why_not_word(view, word)) for word in Word
    ]


def _is_possible(view: RequestView, word: Word) -> bool:
    return not _why_not_word(view, word)


def _why_not_word(view: RequestView, word: Word) -> str:
    """Why this decision cannot be taken: already decided, more than the machine recommends, a red item, a seat."""
    if view.is_for_closing and word is not Word.GO:
        return _("It is decided CONDITIONAL; only GO can follow.")
    if word not in words_allowed(view.checked.recommendation):
        advice = word_of(kind="recommendation", value=view.checked.recommendation.value).text
        return _("The machine recommends %(word)s; people may say less, never more.") % {"word": advice}
    red = blockers(view.checklist, word)
    if red:
        names = ", ".join(text(item.title) for item in red)
        return _("Red on the checklist: %(items)s.") % {"items": names}
    return ""


def _frame(request: HttpRequest, *, view: RequestView, seat: Seat) -> dict[str, Any]:
    request_row = view.request
    refusal = next(line.view.why_not for line in view.seats if line.seat is seat)
    if seat is Seat.SUPERVISOR and (isinstance(refusal, SeatNotYet) or view.is_for_closing):
        supervisor = next(line.view for line in view.seats if line.seat is seat)
        is_refused = person_of(request) not in supervisor.eligible
        refusal = refusal if is_refused and not isinstance(refusal, SeatNotYet) else None
    is_open = view.state is RequestState.OPEN or (seat is Seat.SUPERVISOR and view.is_for_closing)
    closed = "" if is_open else _("This request takes no signatures any more.")
    frame = frame_of(view)
    is_last = seat is Seat.SUPERVISOR
    return {
        **frame,
        "red": [item for item in frame["red"] if is_last or item.code not in _CLEARED_BY_SIGNING],
        "next_seat": None,
        "seat": seat.value,
        "person": person_of(request),
        "build_short": (request_row.build.commit or request_row.build.tree_digest)[:12],
        "manifest_short": request_row.manifest_digest[:12],
        "signed": [line.sign_off for line in view.seats if line.sign_off is not None and line.seat is not seat],
        "lost_seats": lost_seats(ACT_OF_SEAT[seat], roles=roles_of(request)),
        "why_not": closed or (explain(refusal) if refusal is not None else ""),
    }


def _served(
    request: HttpRequest, *, view: RequestView, seat: Seat, context: dict[str, Any], status: int
) -> HttpResponse:
    """The page, on record: what was shown to whom before they signed."""
    view_signing_page(
        actor=actor_of(request), request_id=view.request.pk, seat=seat, manifest_digest=view.request.manifest_digest
    )
    frame = {**admin.site.each_context(request), **context}
    return TemplateResponse(request, "console/releases/sign.html", frame, status=status)


def _changed_page(request: HttpRequest, *, view: RequestView, changed: EvidenceChanged) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("The evidence has changed"),
        "refused": explain(changed),
        "seen": changed.params["seen"],
        "current": changed.params["current"],
        "again": request.path,
        "number": view.request.pk,
    }
    return TemplateResponse(request, "console/releases/changed.html", context, status=412)


def _status_of(refusal: GatehouseError) -> int:
    if isinstance(refusal, TooManyAttempts):
        return 429
    return 403 if isinstance(refusal, WrongPassword | PasswordNotOwn | NotAllowed) else 409


def _own_review(view: RequestView) -> Review | None:
    return next((one for one in view.reviews if one.signed_at is None), None)


def _signed_review(view: RequestView) -> Review | None:
    reviewer = next(line for line in view.seats if line.seat is Seat.REVIEWER)
    return reviewer.sign_off.review if reviewer.sign_off is not None else None

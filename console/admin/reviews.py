"""Writing a review, reading it as a document, and its attachments."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from console import actions
from console.admin.requests import frame_of, view_of
from console.admin.review_forms import ReviewForms
from console.eligibility import SeatNotYet
from console.kernel.authority import Act
from console.kernel.doors import actor_of, explain, person_of, why_not
from console.kernel.errors import GatehouseError
from console.models import Review, ReviewAttachment
from console.release_states import Outcome, RequestState, Seat
from console.releases.request_view import RequestView
from console.review_content import missing_of, requirements_of, retest
from testruns.admin.downloads import as_attachment
from testruns.evidence import read
from testruns.recommendation import Recommendation

OCTETS = "application/octet-stream"


@require_http_methods(["GET", "HEAD", "POST"])
def edit_page(request: HttpRequest, request_id: int) -> HttpResponse:
    """The reviewer's draft: save it, add rows, attach a file, go on to sign."""
    view = view_of(request, request_id)
    draft = _draft_of(view)
    forms = _forms(request, view=view, draft=draft)
    refused, status = "", 200
    if request.method == "POST" and "more" not in request.POST:
        if forms.is_valid:
            try:
                return _saved(request, view=view, forms=forms)
            except GatehouseError as refusal:
                refused, status = explain(refusal), 409
        else:
            status = 422
    requirements = requirements_of(view.manifest)
    context = {
        **admin.site.each_context(request),
        "title": _("Review of release request %(number)s") % {"number": request_id},
        **frame_of(view),
        "review": draft,
        "form": forms.form,
        **forms.rows,
        "has_errors": status == 422,
        "requirements": requirements,
        "verdict_counts": Counter(one["verdict"] for one in requirements).most_common(),
        "outcomes": [one.value for one in Outcome],
        "attachments": list(draft.attachments.order_by("name")) if draft is not None else [],
        "refused": refused,
        "why_not": why_not(request, Act.WRITE_REVIEW) or _closed(view) or _never_signed(view),
    }
    return TemplateResponse(request, "console/releases/review_edit.html", context, status=status)


@require_safe
def review_page(request: HttpRequest, review_id: int) -> HttpResponse:
    """A review as a document; a draft is shown to its author alone."""
    reviews = Review.objects.select_related("request__phase", "request__build", "reviewer")
    review = get_object_or_404(reviews, pk=review_id)
    is_own = review.reviewer_id == person_of(request).pk
    if review.signed_at is None and not is_own:
        raise Http404
    context = {
        **admin.site.each_context(request),
        "title": _("Review %(number)s") % {"number": review_id},
        "review": review,
        "sign_off": getattr(review, "sign_off", None),
        "attachments": review.attachments.order_by("name"),
        "may_edit": is_own and review.signed_at is None,
    }
    return TemplateResponse(request, "console/releases/review.html", context)


@require_safe
def attachment(request: HttpRequest, attachment_id: int) -> HttpResponse:
    """An attached file, as a file; damage is refused with the reason."""
    row = get_object_or_404(ReviewAttachment.objects.select_related("review"), pk=attachment_id)
    if row.review.signed_at is None and row.review.reviewer_id != person_of(request).pk:
        raise Http404
    return stored_file(request, digest=row.evidence_id, name=row.name)


def stored_file(request: HttpRequest, *, digest: str, name: str) -> HttpResponse:
    """A piece of evidence that a person handed in, always as a download."""
    try:
        content = read(digest)
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return redirect("admin:releases")
    safe = "".join(sign if (sign.isalnum() and sign.isascii()) or sign in "._- " else "_" for sign in name)
    return as_attachment(content, media_type=OCTETS, name=safe)


def _draft_of(view: RequestView) -> Review | None:
    return next((one for one in view.reviews if one.signed_at is None), None)


def _forms(request: HttpRequest, *, view: RequestView, draft: Review | None) -> ReviewForms:
    if request.method == "POST":
        sent = request.POST.copy()
        more = f"{sent.get('more', '')}-TOTAL_FORMS"
        count = str(sent.get(more, ""))
        if count.isdecimal() and len(count) < 4:
            sent[more] = str(int(count) + 1)
        return ReviewForms.posted(data=sent, files=request.FILES)
    return ReviewForms(stored=_stored(draft) if draft is not None else _fresh(view), to_answer=_to_answer(view))


def _to_answer(view: RequestView) -> list[int]:
    """The runs that the review must say something about."""
    return [run["run"] for run in view.manifest["runs"] if run["needs_answer"]]


def _stored(draft: Review) -> dict[str, Any]:
    names = ("scope", "criteria", "findings", "risks", "run_answers", "readiness", "proposed_conditions", "outcome")
    return {name: getattr(draft, name) for name in names} | {"version": draft.version}


def _fresh(view: RequestView) -> dict[str, Any]:
    """What a new review begins with: the re-test, where the machine recommends conditions."""
    if view.checked.recommendation is not Recommendation.CONDITIONAL:
        return {}
    proposed = retest()
    row = {"kind": proposed.kind.value, "due_days": proposed.due_days, "closing_rule": proposed.closing_rule.value}
    return {"proposed_conditions": [{"text": gettext(proposed.text), **row}]}


def _saved(request: HttpRequest, *, view: RequestView, forms: ReviewForms) -> HttpResponse:
    given = forms.form.cleaned_data
    review = actions.save_review(
        actor=actor_of(request), request_id=view.request.pk, content=forms.draft(), version=given["version"]
    )
    file = given["attachment"]
    if file is not None:
        actions.attach(actor=actor_of(request), review_id=review.pk, name=file.name, content=file.read())
    if lacks := lacks_of(review, view=view):
        said = _("The draft is saved. It cannot be signed yet: %(lacks)s.") % {"lacks": lacks}
        messages.warning(request, said)
    else:
        messages.success(request, _("The draft is saved."))
    if request.POST.get("next") == "sign" and not lacks:
        return redirect("admin:release_sign", view.request.pk, "reviewer")
    return redirect("admin:release_review_edit", view.request.pk)


def lacks_of(review: Review, *, view: RequestView) -> str:
    """What a draft lacks to be signed, in words; empty when it is complete."""
    lacks = missing_of(_stored(review), to_answer=_to_answer(view))
    return gettext(lacks) if lacks else ""


def _closed(view: RequestView) -> str:
    return "" if view.state is RequestState.OPEN else _("This request takes no reviews any more.")


def _never_signed(view: RequestView) -> str:
    """Why the reader could not sign what they write; that others sign first keeps nobody from writing."""
    refusal = next(line.view.why_not for line in view.seats if line.seat is Seat.REVIEWER)
    return "" if refusal is None or isinstance(refusal, SeatNotYet) else explain(refusal)

"""Writing a review: drafts, comments, attachments. Signing it is in `sign_offs`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.kernel.errors import InvalidInput, NotFound
from console.models import ReleaseRequest, Review, ReviewAttachment, ReviewComment
from console.releases import Look, check_request
from console.review_content import ReviewDraft, problems_of, requirements_of
from ledger import canonical_bytes, digest_of, gettext_noop
from testruns.evidence import store
from testruns.models import Evidence

from .refusals import ChangedMeanwhile, NotYours, ReviewSigned
from .writing import bounded, manifest_of, request_for_update, require_open

ATTACHMENT_BYTES_MAX = 10 * 1024 * 1024
ATTACHMENTS_MAX = 20
COMMENT_LENGTH_MAX = 5000
OCTETS = "application/octet-stream"  # whatever it is called: it is handed out as a file, never shown


@action(Act.WRITE_REVIEW, target="request:{request_id}")
def save_review(*, actor: Actor, request_id: int, content: ReviewDraft, version: int | None = None) -> Review:
    """Write the actor's draft for this request, the whole of it. Saving what is saved already changes nothing.

    version: of the draft the person saw; another one (a second tab) is refused. Raises `InvalidInput`, `RequestOver`,
    `RequestExpired`, `ChangedMeanwhile`.
    """
    now = timezone.now()
    for field, reason in problems_of(content):
        raise InvalidInput(field=field, reason=reason)
    request = request_for_update(request_id)
    require_open(request, now=now)
    review = Review.objects.filter(request=request, reviewer=actor.person, signed_at__isnull=True).first()
    if review is not None and version is not None and review.version != version:
        raise ChangedMeanwhile(request=request_id)
    if review is None:
        review = Review(request=request, reviewer=actor.person, version=0)
    parts = content.as_json() | {
        "requirements": requirements_of(manifest_of(request)),
        "computed_verdict": check_request(request, look=Look(now=now)).recommendation.value,
        "manifest_digest": request.manifest_digest,
    }
    if review.pk and all(getattr(review, name) == value for name, value in parts.items()):
        return review
    for name, value in parts.items():
        setattr(review, name, value)
    _write(review)
    audit.record(
        actor=actor,
        act=Act.WRITE_REVIEW,
        object=f"request:{request_id}",
        after={"review": review.pk, "digest": review.digest, "version": review.version},
        rows=(review,),
    )
    return review


@action(Act.COMMENT_REVIEW, target="request:{request_id}")
def comment(*, actor: Actor, request_id: int, text: str, reply_to: int | None = None) -> ReviewComment:
    """Say something about a request, as an answer to another comment or not. Raises `NotFound`, `InvalidInput`."""
    said = bounded(text, field="text", length_max=COMMENT_LENGTH_MAX)
    if not said:
        raise InvalidInput(field="text", reason=gettext_noop("empty"))
    request = request_for_update(request_id)
    answered = ReviewComment.objects.filter(pk=reply_to, request=request).first() if reply_to else None
    if reply_to and answered is None:
        raise NotFound(what=f"comment {reply_to}")
    row = ReviewComment.objects.create(
        request=request, reply_to=answered, author=actor.person, text=said, at=timezone.now()
    )
    audit.record(
        actor=actor, act=Act.COMMENT_REVIEW, object=f"request:{request_id}", after={"comment": row.pk}, rows=(row,)
    )
    return row


def attach(*, actor: Actor, review_id: int, name: str, content: bytes) -> ReviewAttachment:
    """Attach a file to the actor's draft: at most 20 of at most 10 MiB, each name once.

    Raises `InvalidInput`, `NotFound`, `NotYours`, `ReviewSigned`.
    """
    name = name.strip()
    _permit_attach(actor=actor, review_id=review_id, name=name, size=len(content))
    evidence = store(content=content, media_type=OCTETS)  # outside of the transaction: it writes and fsyncs
    row: ReviewAttachment = _attach(actor=actor, review_id=review_id, name=name, evidence=evidence)
    return row


@action(Act.WRITE_REVIEW, target="review:{review_id}")
def _permit_attach(*, actor: Actor, review_id: int, name: str, size: int) -> None:
    if not name or len(name) > 200 or "\0" in name or "/" in name:
        raise InvalidInput(field="name", reason=gettext_noop("1 to 200 characters, no slash"))
    if not 0 < size <= ATTACHMENT_BYTES_MAX:
        raise InvalidInput(field="content", reason=gettext_noop("empty, or larger than 10 MiB"))
    _own_draft(actor, review_id)


@action(Act.WRITE_REVIEW, target="review:{review_id}")
def _attach(*, actor: Actor, review_id: int, name: str, evidence: Evidence) -> ReviewAttachment:
    review = _own_draft(actor, review_id)
    attached = {one.name: one for one in review.attachments.all()}
    if name in attached and attached[name].evidence_id == evidence.pk:
        return attached[name]
    if name in attached or len(attached) >= ATTACHMENTS_MAX:
        raise InvalidInput(field="name", reason=gettext_noop("taken, or too many attachments"))
    row = ReviewAttachment.objects.create(review=review, name=name, evidence=evidence, at=timezone.now())
    _write(review)
    audit.record(
        actor=actor,
        act=Act.WRITE_REVIEW,
        object=f"review:{review_id}",
        after={"attachment": name, "evidence": evidence.pk, "digest": review.digest},
        rows=(row, review),
    )
    return row


def content_of(review: Review) -> dict[str, Any]:
    """Everything a signature under the review covers."""
    return {
        "format": 1,
        "kind": "review",
        "request": review.request_id,
        "reviewer": review.reviewer_id,
        "manifest": review.manifest_digest,
        "scope": review.scope,
        "criteria": review.criteria,
        "findings": review.findings,
        "requirements": review.requirements,
        "risks": review.risks,
        "run_answers": review.run_answers,
        "readiness": review.readiness,
        "computed_verdict": review.computed_verdict,
        "proposed_conditions": review.proposed_conditions,
        "outcome": review.outcome,
        "attachments": (
            [{"name": one.name, "digest": one.evidence_id} for one in review.attachments.order_by("name")]
            if review.pk
            else []
        ),
    }


def _write(review: Review) -> None:
    """Bind the parts by content and digest, and count the version up."""
    content = content_of(review)
    review.content, review.digest = canonical_bytes(content).decode(), digest_of(content)
    review.saved_at = timezone.now()
    review.version += 1
    review.save()


def _own_draft(actor: Actor, review_id: int) -> Review:
    review = Review.objects.select_for_update(of=("self",)).filter(pk=review_id).select_related("reviewer").first()
    if review is None:
        raise NotFound(what=f"review {review_id}")
    if review.reviewer_id != actor.person.pk:
        raise NotYours(what=f"review R{review_id}", owner=str(review.reviewer))
    if review.signed_at is not None:
        raise ReviewSigned(review=review_id)
    request: ReleaseRequest = request_for_update(review.request_id)
    require_open(request, now=timezone.now())
    return review

"""Requests that may be repeated: the first answer under an Idempotency-Key is the answer to every repetition.

One transaction claims the key, a second holds the effect together with the answer; so a crash between them leaves a
claim without an answer and without an effect, which is free again after a minute. Faults (5xx) and throttling (429) are
no answer and free the key at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api.problems import Problem, answer_to
from console.kernel.api.views import ApiView, token_of
from console.kernel.models import IdempotencyKey

CLAIM_FREE_AFTER = timedelta(seconds=60)
KEY_CHARACTERS_MAX = 128
REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("Location", "ETag", "Content-Type")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-~]+")

View = TypeVar("View", bound=ApiView)
Handler = Callable[..., HttpResponse]


def idempotent(handler: Handler) -> Handler:
    """Make a POST that writes rows idempotent. What it needs before the transaction belongs into the view's `prepare`.

    Raises `Problem` idempotency-key-missing (400), idempotency-key-in-use (409), idempotency-key-reused (422).
    """

    @wraps(handler)
    def once(view: ApiView, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        claim = _claim(request, key_of(request), now=datetime.now(UTC))
        if claim.status is not None:
            return _replay(claim)
        try:
            view.prepare(request, *args, **kwargs)
            with transaction.atomic():
                response = _answer(view, handler, request, *args, **kwargs)
                if _is_answer(response.status_code):
                    _keep(claim, response)
                else:
                    _free(claim)
        except BaseException:
            _free(claim)
            raise
        return response

    once.is_idempotent = True  # type: ignore[attr-defined]  # the schema asks for it
    return once


def key_of(request: Request) -> str:
    """The key of the request, quoted as the draft has it or bare. Raises `Problem` idempotency-key-missing."""
    header = request.headers.get("Idempotency-Key", "").strip()
    quoted = _QUOTED.fullmatch(header)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header if _BARE.fullmatch(header) else ""
    if not 1 <= len(key) <= KEY_CHARACTERS_MAX:
        raise Problem(
            "idempotency-key-missing",
            400,
            _('Send a key of your own for this request, of at most %(most)s characters: Idempotency-Key: "…" (a UUID).')
            % {"most": KEY_CHARACTERS_MAX},
        )
    return key


def _answer(view: ApiView, handler: Handler, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
    """The handler's response; a refusal, whose audit entry is in this transaction, becomes its problem here."""
    try:
        return handler(view, request, *args, **kwargs)
    except DatabaseError:
        raise
    except Exception as error:
        refused = answer_to(error, {"request": request})
        if refused is None:
            raise
        return refused


def _claim(request: Request, key: str, *, now: datetime) -> IdempotencyKey:
    """The caller's own fresh claim, or the finished one of the first request."""
    match = request.resolver_match
    found = {
        "person_id": token_of(request).person_id,
        "method": str(request.method),
        "route": (match.route if match else request.path)[:200],
        "key": key,
    }
    fingerprint = _fingerprint(request)
    with transaction.atomic(durable=True):
        IdempotencyKey.forget_old(now=now)
        claim, is_new = _get_or_make(found, fingerprint=fingerprint, now=now)
        if is_new:
            return claim
        if claim.fingerprint != fingerprint:
            raise Problem("idempotency-key-reused", 422, _("This key was used for another request. Use a new key."))
        if claim.status is not None:
            return claim
        is_free = claim.claimed_at < now - CLAIM_FREE_AFTER
        unchanged = IdempotencyKey.objects.filter(pk=claim.pk, status=None, claimed_at=claim.claimed_at)
        if is_free and unchanged.update(claimed_at=now):
            claim.claimed_at = now
            return claim
    raise Problem(
        "idempotency-key-in-use",
        409,
        _("The first request with this key is not finished. Repeat this one in a moment."),
        headers={"Retry-After": "1"},
    )


def _get_or_make(found: dict[str, Any], *, fingerprint: str, now: datetime) -> tuple[IdempotencyKey, bool]:
    claim = IdempotencyKey.objects.filter(**found).first()
    if claim is not None:
        return claim, False
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(**found, fingerprint=fingerprint, claimed_at=now), True
    except IntegrityError:  # another connection was faster; SQLite's transactions come one by one
        return IdempotencyKey.objects.get(**found), False


def _fingerprint(request: Request) -> str:
    kind, content = request.content_type or "", request.body
    if kind.startswith("multipart/form-data"):
        kind, content = "multipart/form-data", _form_content(request.data)
    parts = [str(request.method), request.get_full_path(), kind]
    return hashlib.sha256("\0".join(parts).encode() + b"\0" + content).hexdigest()


def _form_content(form: Any) -> bytes:
    """The fields of a form and the digests of its files: the boundary differs whenever a form is sent again."""
    read = [(name, [_field_content(value) for value in values]) for name, values in sorted(form.lists())]
    return json.dumps(read).encode()


def _field_content(value: Any) -> str:
    if not hasattr(value, "chunks"):
        return f"text:{value}"
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return f"file:{digest.hexdigest()}"


def _is_answer(status: int) -> bool:
    return status < 500 and status != 429


def _keep(claim: IdempotencyKey, response: HttpResponse) -> None:
    """Write the answer beside the effect. Raises `Problem` when another request took the claim over meanwhile."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    if isinstance(response, Response):  # which is rendered after this
        body = JSONRenderer().render(response.data)
        headers["Content-Type"] = response.content_type or "application/json"
    else:
        body = response.content
    kept = IdempotencyKey.objects.filter(pk=claim.pk, status=None, claimed_at=claim.claimed_at).update(
        status=response.status_code, headers=json.dumps(headers), body=body.decode()
    )
    if not kept:
        raise Problem("idempotency-key-in-use", 409, _("Another request with this key was faster."))


def _free(claim: IdempotencyKey) -> None:
    IdempotencyKey.objects.filter(pk=claim.pk, status=None, claimed_at=claim.claimed_at).delete()


def _replay(claim: IdempotencyKey) -> HttpResponse:
    headers = {**json.loads(claim.headers), REPLAYED: "true", "Cache-Control": "no-store"}
    return HttpResponse(claim.body, status=claim.status, headers=headers)

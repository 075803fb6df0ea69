"""A form that is sent twice, by a double click or by a browser that asks again, is carried out once.

The page puts a key of its own into the form (`{% form_key %}`). Who comes first writes it in the transaction of the
effect; everybody after that waits for this transaction and is led to where the first was.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from console.kernel.doors import person_of
from console.kernel.errors import GatehouseError
from console.kernel.models import IdempotencyKey
from ledger import LedgerError

FIELD: Final = "_key"
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_OF_THE_BROWSER: Final = frozenset({FIELD, "csrfmiddlewaretoken"})
_REDIRECT: Final = 302
_ROUTE_CHARACTERS_MAX: Final = 200


def new_form_key() -> str:
    """A key that no other form has."""
    return secrets.token_urlsafe(16)


def posted_once(request: HttpRequest, effect: Callable[[], int]) -> int:
    """What the effect returned, the number of a row, when this person first sent this form with these values.

    effect: calls one action. Its refusal goes on to the caller, on record, and leaves the key free. A form without a
    key is carried out each time.
    """
    key = request.POST.get(FIELD, "")
    if not _KEY.fullmatch(key):
        return effect()
    key_of_these = f"{key}:{_values_of(request)}"  # before the transaction: files may be large, and others wait for it
    now = timezone.now()
    with transaction.atomic():
        IdempotencyKey.forget_old(now=now)
        sent, is_first = IdempotencyKey.objects.get_or_create(
            person=person_of(request),
            method="POST",
            route=request.path[:_ROUTE_CHARACTERS_MAX],
            key=key_of_these,
            defaults={"claimed_at": now, "status": _REDIRECT},
        )
        if not is_first:
            return int(sent.body)
        refusal = _carry_out(sent, effect)
    if refusal is not None:
        raise refusal
    return int(sent.body)


def _carry_out(sent: IdempotencyKey, effect: Callable[[], int]) -> GatehouseError | LedgerError | None:
    """The refusal, whose audit entry stays although it is raised only behind the transaction; None when it was done."""
    try:
        sent.body = str(effect())
    except (GatehouseError, LedgerError) as refusal:
        sent.delete()
        return refusal
    sent.save(update_fields=["body"])
    return None


def _values_of(request: HttpRequest) -> str:
    """Somebody who goes back and changes what is in the form asks for something else."""
    values = [(name, request.POST.getlist(name)) for name in sorted(request.POST) if name not in _OF_THE_BROWSER]
    files = [(name, [_digest_of(file) for file in request.FILES.getlist(name)]) for name in sorted(request.FILES)]
    return hashlib.sha256(repr((values, files)).encode()).hexdigest()[:32]


def _digest_of(file: UploadedFile[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return digest.hexdigest()

"""Audit entries of sign-ins: every success; of failures one per source and minute, so that nobody floods the chain."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest

from console.kernel import audit
from console.kernel.acts import Actor
from console.kernel.models import Person

FAILURE_INTERVAL_SECONDS = 60


def connect() -> None:
    """Listen to Django's sign-in signals."""
    user_logged_in.connect(record_sign_in, dispatch_uid="kernel.sign_ins.in")
    user_logged_out.connect(record_sign_out, dispatch_uid="kernel.sign_ins.out")
    user_login_failed.connect(record_failure, dispatch_uid="kernel.sign_ins.failed")


def record_sign_in(*, user: Person, **_: Any) -> None:
    """Append that a person signed in."""
    with transaction.atomic():
        audit.record(actor=Actor(person=user, via="console"), act="person.signed_in", object=f"person:{user.pk}")


def record_sign_out(*, user: Person | None, **_: Any) -> None:
    """Append that a person signed out; an expired session has nobody to name."""
    if user is None:
        return
    with transaction.atomic():
        audit.record(actor=Actor(person=user, via="console"), act="person.signed_out", object=f"person:{user.pk}")


def record_failure(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Append a failed sign-in, at most one per source address and minute. The name is kept, the password never."""
    source = str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""
    key = "sign-in-failed:" + hashlib.sha256(source.encode()).hexdigest()
    if not cache.add(key, True, timeout=FAILURE_INTERVAL_SECONDS):
        return
    with transaction.atomic():
        audit.record_refusal(
            actor=None,
            act="person.sign_in",
            object="",
            code="sign-in-failed",
            after={"name": str(credentials.get("username", ""))[:150], "source": source[:64]},
        )

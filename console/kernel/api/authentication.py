"""Who asks: `Authorization: Bearer gh_<prefix>_<secret>`, and the signature of the request where there is one.

Wrong tokens are counted by address, and those that name an existing token by address and token, so that nobody's
guesses keep the right token out. One audit entry per address and minute names them.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Never

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from console.kernel import audit
from console.kernel.api.problems import Problem
from console.kernel.api.throttles import AUDITED, FAILURES
from console.kernel.epoch import Remembered
from console.kernel.models import ApiToken, AuditEntry, Person, UsedNonce
from console.kernel.tokens import digest_of_token, is_nonce, is_token, prefix_of, signature_of

ACT_AUTHENTICATE = "token.authenticate"
CHALLENGE = 'Bearer realm="Gatehouse"'
CLOCK_DIFFERENCE_SECONDS = 300
LAST_USED_EVERY = timedelta(minutes=1)
FAILURES_AUDITED_EVERY = timedelta(minutes=1)
_UNKNOWN = digest_of_token("no token")


class TokenAuthentication(BaseAuthentication):
    """The person behind the token of a request, and the token."""

    def authenticate(self, request: Request) -> tuple[Person, ApiToken] | None:
        """None without a header. Raises `Problem` invalid-token, invalid-signature or too-many-failures."""
        header = request._request.headers.get("Authorization")
        if header is None:
            return None
        source = source_of(request._request)
        scheme, _space, text = header.partition(" ")
        prefix = prefix_of(text.strip()) if scheme.lower() == "bearer" else ""
        token = _find(prefix) if prefix else None
        key = f"{source} {token.prefix if token else ''}"
        if seconds := FAILURES.wait(key):
            raise Problem(
                "too-many-failures",
                429,
                _("Too many wrong tokens came from this address. Try again in %(seconds)s seconds.")
                % {"seconds": seconds},
                headers={"Retry-After": str(seconds)},
            )
        is_right = is_token(text.strip(), digest=token.digest if token else _UNKNOWN)
        if token is None or not is_right:
            _refuse_token(key, source=source, prefix=prefix, why=_("This is no token of this installation."))
        now = datetime.now(UTC)
        if why := _why_not(token, now=now):
            _refuse_token(key, source=source, prefix=prefix, why=why)
        _check_signature(request._request, token, key=key, source=source, now=now)
        _touch(token, now=now)
        return token.person, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 names as the way in."""
        return CHALLENGE


def holds_token(request: HttpRequest) -> bool:
    """Whether a token of this installation came with the request, whatever else is wrong. Reads no body."""
    scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
    prefix = prefix_of(text.strip()) if scheme.lower() == "bearer" else ""
    token = _find(prefix) if prefix else None
    return token is not None and is_token(text.strip(), digest=token.digest)


def source_of(request: HttpRequest) -> str:
    """The network address a request came from."""
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def _why_not(token: ApiToken, *, now: datetime) -> str:
    """Why a right token does not count now; only its holder is told."""
    if token.revoked_at is not None:
        return _("The token was revoked.")
    if token.expires_at <= now:
        return _("The token has expired.")
    return "" if token.person.is_active else _("The person behind the token is deactivated.")


def _find(prefix: str) -> ApiToken | None:
    """The token with this prefix and its person, as the last audited act left them; None for an unknown one."""
    try:
        return _tokens.get(prefix)
    except ApiToken.DoesNotExist:
        return None


def _read_token(prefix: str) -> ApiToken:
    return ApiToken.objects.select_related("person").get(prefix=prefix)


_tokens = Remembered(_read_token)


def _check_signature(request: HttpRequest, token: ApiToken, *, key: str, source: str, now: datetime) -> None:
    timestamp, nonce, signature = (
        request.headers.get(f"Gatehouse-{name}", "") for name in ("Timestamp", "Nonce", "Signature")
    )
    if not (timestamp or nonce or signature) and not token.is_signed_only:
        return
    expected = signature_of(
        secret=token.signing_secret,
        timestamp=timestamp,
        nonce=nonce,
        method=request.method or "",
        target=request.get_full_path(),
        body=request.body,
    )
    if not is_nonce(nonce) or not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        why = _("It takes Gatehouse-Timestamp (Unix seconds), Gatehouse-Nonce (16 to 64 characters) and -Signature.")
    elif not hmac.compare_digest(signature.encode(), expected.encode()):
        why = _("The signature does not match the request.")
    elif abs(now.timestamp() - int(timestamp)) > CLOCK_DIFFERENCE_SECONDS:
        why = _("The timestamp is more than %(seconds)s seconds from the server's clock.") % {
            "seconds": CLOCK_DIFFERENCE_SECONDS
        }
    elif not _use_nonce(token, nonce, now=now):
        why = _("The nonce was used before.")
    else:
        return
    _refuse_token(key, source=source, prefix=token.prefix, why=why, code="invalid-signature")


def _use_nonce(token: ApiToken, nonce: str, *, now: datetime) -> bool:
    """Keep the nonce, durable before the request does anything; False when it is known."""
    UsedNonce.objects.filter(used_at__lt=now - timedelta(seconds=3 * CLOCK_DIFFERENCE_SECONDS)).delete()
    try:
        with transaction.atomic():
            UsedNonce.objects.create(token=token, nonce=nonce, used_at=now)
    except IntegrityError:
        return False
    return True


def _touch(token: ApiToken, *, now: datetime) -> None:
    """Remember the use, at most once a minute: reading must not become writing."""
    before = now - LAST_USED_EVERY
    if token.last_used_at is None or token.last_used_at < before:
        fresh = Q(last_used_at__isnull=True) | Q(last_used_at__lt=before)
        ApiToken.objects.filter(fresh, pk=token.pk).update(last_used_at=now)
        token.last_used_at = now  # for the requests that get this row from memory


def _refuse_token(key: str, *, source: str, prefix: str, why: str, code: str = "invalid-token") -> Never:
    FAILURES.take(key)
    if AUDITED.take(source) == 0:
        _record_failure(source=source, prefix=prefix, why=why, code=code)
    error = "" if code == "invalid-signature" else ', error="invalid_token"'
    raise Problem(code, 401, why, headers={"WWW-Authenticate": CHALLENGE + error})


def _record_failure(*, source: str, prefix: str, why: str, code: str) -> None:
    """One entry per address and minute, over all server processes; the secret is never kept."""
    since = datetime.now(UTC) - FAILURES_AUDITED_EVERY
    after = {"source": source, "prefix": prefix, "message": why}
    with transaction.atomic():
        latest = AuditEntry.objects.filter(act=ACT_AUTHENTICATE, at__gt=since).values_list("after", flat=True)
        if not any(f'"source":"{source}"' in one for one in latest):
            audit.record_refusal(actor=None, act=ACT_AUTHENTICATE, object="", code=code, after=after)

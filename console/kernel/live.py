"""Live updates that bring nothing new, answered before session, person and page are looked up.

Every open page asks every two seconds, and nearly always nothing has changed. Whoever was let in by the site's own
check within the last seconds, with this session at this address, is told so by a comparison of tokens. The answer has
no content: it says only that what the reader has been shown already still holds. Everything else takes the whole way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse

AUTHORITY_SECONDS = 10.0
"""How long one check of session and roles holds for answers without content."""

TOKEN_SECONDS = 0.5
"""How long a token read by one reader is good for the others."""

READERS_MAX = 10_000
TOKENS_MAX = 1_000

Token = Callable[..., str]

_addresses: list[tuple[re.Pattern[str], Token]] = []
_readers: dict[tuple[str, str], float] = {}
_tokens: dict[str, tuple[float, str]] = {}


def add_live_address(*, pattern: str, token: Token) -> None:
    """Let unchanged answers at this path be given early.

    `pattern` matches the whole path; its named groups are whole numbers and the arguments of `token`, which says in
    one or two small queries what a reader's copy is compared with (Http404 when there is nothing).
    """
    _addresses.append((re.compile(pattern), token))


class UnchangedMiddleware:
    """Answers 204 for a reader whose copy is current; remembers whom the site has let in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer early, or let the rest answer."""
        token = _token_at(request.path) if _is_update(request) else None
        if token is None:
            return self.get_response(request)
        reader = (request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""), request.path)
        if _readers.get(reader, 0.0) > time.monotonic() and request.GET.get("token") == token():
            request.get_host()  # refuses a name this console does not answer to
            return HttpResponse(status=204)
        response = self.get_response(request)
        _remember(reader, is_let_in=response.status_code in (200, 204))
        return response


@receiver(user_logged_out)
def forget_reader(request: HttpRequest | None, **_: Any) -> None:
    """Whoever signs out is asked again at once."""
    session = getattr(request, "session", None)
    for reader in [one for one in _readers if session is not None and one[0] == session.session_key]:
        del _readers[reader]


def forget_everything() -> None:
    """As in a new process."""
    _readers.clear()
    _tokens.clear()


def _is_update(request: HttpRequest) -> bool:
    return request.method == "GET" and "HTTP_HX_REQUEST" in request.META


def _token_at(path: str) -> Callable[[], str | None] | None:
    """What reads the token of this address; None for an address without updates."""
    for pattern, token in _addresses:
        if found := pattern.fullmatch(path):
            arguments = {name: int(number) for name, number in found.groupdict().items()}
            return lambda: _read_token(path, token, arguments)
    return None


def _read_token(path: str, token: Token, arguments: dict[str, int]) -> str | None:
    known = _tokens.get(path)
    now = time.monotonic()
    if known is not None and known[0] > now:
        return known[1]
    try:
        value = token(**arguments)
    except Http404:
        return None
    if len(_tokens) >= TOKENS_MAX:
        _tokens.clear()
    _tokens[path] = (now + TOKEN_SECONDS, value)
    return value


def _remember(reader: tuple[str, str], *, is_let_in: bool) -> None:
    if not is_let_in:
        _readers.pop(reader, None)
        return
    if len(_readers) >= READERS_MAX:
        _readers.clear()
    _readers[reader] = time.monotonic() + AUTHORITY_SECONDS

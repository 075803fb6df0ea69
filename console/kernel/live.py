"""Live updates that need no look-up of session, person and page: nothing new, or what others were just given.

Every open page asks every two seconds. Whoever was let in by the site's own check within the last seconds, with this
session at this address, is answered early: 204 when their copy is current, else the copy that another reader of the
same roles, language, time zone and choices (the rest of the query) got for the current token. Everything else takes
the whole way.
"""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.signals import user_logged_out
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from console.kernel.authority import Role

AUTHORITY_SECONDS = 5.0
"""How long one check of session and roles holds; who loses theirs may be answered this much longer."""

TOKEN_SECONDS = 1.8
"""How long a token read for one reader is good for the others: a page is made once in that time, however many look."""

LAST_TOKENS = 8
READERS_MAX = 10_000
TOKENS_MAX = 1_000
COPIES_MAX = 100

Token = Callable[..., str]
Audience = tuple[str, frozenset[Role], str]
"""Language, roles and time zone of a reader."""


class SharedUpdate(HttpResponse):
    """An update that is the same for every reader of these roles, of this answer's language and time zone."""

    def __init__(self, content: str, *, token: str, roles: frozenset[Role]) -> None:
        """`token` is the one that `content` was made for."""
        super().__init__(content)
        self.token = token
        self.roles = roles
        self.zone = timezone.get_current_timezone_name()


class _Reader(NamedTuple):
    until: float
    audience: Audience | None


class _Known(NamedTuple):
    """The last tokens of an address, the newest last; `until` then it need not be read again."""

    until: float
    last: tuple[str, ...]


class _Copy(NamedTuple):
    """`compressed` is made once for all readers: it holds no secret of any of them."""

    token: str
    content: bytes
    compressed: bytes


_addresses: list[tuple[re.Pattern[str], Token]] = []
_readers: dict[tuple[str, str], _Reader] = {}
_tokens: dict[str, _Known] = {}
_copies: dict[tuple[str, str, Audience], _Copy] = {}
_making = threading.Lock()


def add_live_address(*, pattern: str, token: Token) -> None:
    """Let unchanged answers at this path be given early.

    `pattern` matches the whole path; its named groups are whole numbers and the arguments of `token`, which says in
    one or two small queries what a reader's copy is compared with (Http404 when there is nothing).
    """
    _addresses.append((re.compile(pattern), token))


class LiveUpdatesMiddleware:
    """Answers early whom the site has just let in; remembers whom it lets in and what they were given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer early, or let the rest answer."""
        token = _token_at(request.path, has=request.GET.get("token", "")) if _is_update(request) else None
        if token is None:
            return self.get_response(request)
        key = (request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""), request.path)
        reader = _readers.get(key)
        if reader is None or reader.until <= time.monotonic():
            return self._ask(key, request)
        early = _early_answer(request, reader, token())
        if early is not None:
            return early
        with _making:  # one reader makes the copy that the others, who came meanwhile, are given
            return _early_answer(request, reader, token()) or self._ask(key, request)

    def _ask(self, key: tuple[str, str], request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        _remember(key, request, response)
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
    _copies.clear()


def _is_update(request: HttpRequest) -> bool:
    return request.method == "GET" and "HTTP_HX_REQUEST" in request.META


def _token_at(path: str, *, has: str) -> Callable[[], str | None] | None:
    """What reads the token of this address for a reader who has that one; None for an address without updates."""
    for pattern, token in _addresses:
        if found := pattern.fullmatch(path):
            arguments = {name: int(number) for name, number in found.groupdict().items()}
            return lambda: _read_token(path, token, arguments, has)
    return None


def _read_token(path: str, token: Token, arguments: dict[str, int], has: str) -> str | None:
    """The token of a moment ago; for a reader whose own is none of the last ones, and so perhaps newer, that of now."""
    known = _tokens.get(path)
    now = time.monotonic()
    if known is not None and known.until > now and has in known.last:
        return known.last[-1]
    try:
        value = token(**arguments)
    except Http404:
        return None
    if len(_tokens) >= TOKENS_MAX:
        _tokens.clear()
    earlier = tuple(token for token in known.last if token != value) if known is not None else ()
    _tokens[path] = _Known(until=now + TOKEN_SECONDS, last=(*earlier, value)[-LAST_TOKENS:])
    return value


def _early_answer(request: HttpRequest, reader: _Reader, current: str | None) -> HttpResponse | None:
    if current is None:
        return None
    if request.GET.get("token") == current:
        return _fresh(request, HttpResponse(status=204))
    copy = _copies.get((request.path, _choices(request), reader.audience)) if reader.audience else None
    if copy is None or copy.token != current:
        return None
    return _fresh(request, _answer_with(copy, is_compressed="gzip" in request.headers.get("Accept-Encoding", "")))


def _answer_with(copy: _Copy, *, is_compressed: bool) -> HttpResponse:
    content = copy.compressed if is_compressed else copy.content
    response = HttpResponse(content, headers={"Content-Length": str(len(content))})
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


def _choices(request: HttpRequest) -> str:
    """What of the address decides what is shown: all but the token."""
    query = request.GET.copy()
    query.pop("token", None)
    return query.urlencode()


def _fresh(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    request.get_host()  # refuses a name this console does not answer to
    add_never_cache_headers(response)
    return response


def _remember(key: tuple[str, str], request: HttpRequest, response: HttpResponse) -> None:
    if response.status_code not in (200, 204):
        _readers.pop(key, None)
        return
    known = _readers.get(key)
    audience = known.audience if known is not None else None
    if isinstance(response, SharedUpdate):
        audience = (response.headers.get("Content-Language", ""), response.roles, response.zone)
        if len(_copies) >= COPIES_MAX:
            _copies.clear()
        _copies[key[1], _choices(request), audience] = _Copy(
            token=response.token, content=response.content, compressed=gzip.compress(response.content)
        )
    if len(_readers) >= READERS_MAX:
        _readers.clear()
    _readers[key] = _Reader(until=time.monotonic() + AUTHORITY_SECONDS, audience=audience)

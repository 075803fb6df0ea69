"""Live updates without the look-up of a page: nothing new, or what others were just given.

Every open page asks every two seconds. Whoever the site's own check has let in at this address is answered early while
one small query finds that nothing has changed of what they were let in by: 204 when their copy is current, else the
copy that another reader of the same roles, language, time zone and choices (the rest of the query) got for the current
token. Everything else takes the whole way.
"""

from __future__ import annotations

import gzip
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from console.kernel.authority import Role
from console.kernel.doors import may_read, person_of, roles_of

TOKEN_SECONDS = 1.8
"""How long a token read for one reader is good for the others: a page is made once in that time, however many look."""

LAST_TOKENS = 8
READERS_MAX = 10_000
TOKENS_MAX = 1_000
COPIES_MAX = 100
COMPRESSION_LEVEL = 6

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


class _Address(NamedTuple):
    pattern: re.Pattern[str]
    token: Token
    parameters: tuple[str, ...]


class _Admission(NamedTuple):
    """What somebody was let in by, and what their language and times follow from."""

    password: str
    language: str
    time_zone: str
    roles: frozenset[str]


class _Reader(NamedTuple):
    person: int
    admission: _Admission
    audience: Audience | None


class _Window(NamedTuple):
    """Who asks from where, and what of the question decides the language."""

    session: str
    path: str
    language: str
    languages: str


class _Known(NamedTuple):
    """The last tokens of an address, the newest last; `until` then it need not be read again."""

    until: float
    last: tuple[str, ...]


class _Copy(NamedTuple):
    """`compressed` is made once for all readers: it holds no secret of any of them."""

    token: str
    content: bytes
    compressed: bytes


_ADMISSION = """
SELECT person.password, person.language, person.time_zone, standing.role
FROM django_session AS session
JOIN kernel_person AS person ON person.id = %s AND person.is_active
LEFT JOIN kernel_rolegrant AS standing
  ON standing.person_id = person.id AND standing.confirmed_at IS NOT NULL AND standing.ended_at IS NULL
WHERE session.session_key = %s AND session.expire_date > %s
"""

_addresses: list[_Address] = []
_readers: dict[_Window, _Reader] = {}
_tokens: dict[tuple[str, ...], _Known] = {}
_copies: dict[tuple[str, str, Audience], _Copy] = {}
_making = threading.Lock()


def add_live_address(*, pattern: str, token: Token, parameters: tuple[str, ...] = ()) -> None:
    """Let unchanged answers at this path be given early.

    `pattern` matches the whole path. Its named groups, which are whole numbers, and these parameters of the query,
    which are texts, are the arguments of `token`: it says in one or two small queries what a reader's copy is compared
    with (Http404 when there is nothing).
    """
    _addresses.append(_Address(re.compile(pattern), token, parameters))


class LiveUpdatesMiddleware:
    """Answers early whom the site has let in; remembers whom it lets in and what they were given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer early, or let the rest answer."""
        token = _token_at(request) if is_update(request) else None
        if token is None:
            return self.get_response(request)
        window = _window_of(request)
        reader = _readers.get(window)
        if reader is None or not _is_still_let_in(reader, session=window.session):
            return self._ask(window, request)
        early = _early_answer(request, reader, token())
        if early is not None:
            return early
        with _making:  # one reader makes the copy that the others, who came meanwhile, are given
            return _early_answer(request, reader, token()) or self._ask(window, request)

    def _ask(self, window: _Window, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code not in (200, 204) or not may_read(request):
            _readers.pop(window, None)
            return response
        if not isinstance(response, SharedUpdate):
            _remember(window, request, None)
            return response
        audience, copy = _keep_copy(request, response)
        _remember(window, request, audience)
        return _fill(response, copy, request)


def is_update(request: HttpRequest) -> bool:
    """Whether a page that is open asks for what has changed."""
    return request.method == "GET" and "HTTP_HX_REQUEST" in request.META


def forget_everything() -> None:
    """As in a new process."""
    _readers.clear()
    _tokens.clear()
    _copies.clear()


def _token_at(request: HttpRequest) -> Callable[[], str | None] | None:
    """What reads the token for this reader; None for an address without updates."""
    for address in _addresses:
        if found := address.pattern.fullmatch(request.path):
            numbers = {name: int(number) for name, number in found.groupdict().items()}
            texts = {name: request.GET.get(name, "") for name in address.parameters}
            read = partial(address.token, **numbers, **texts)
            return partial(_read_token, (request.path, *texts.values()), read, has=request.GET.get("token", ""))
    return None


def _read_token(key: tuple[str, ...], read: Callable[[], str], *, has: str) -> str | None:
    """The token of a moment ago; for a reader whose own is none of the last ones, and so perhaps newer, that of now."""
    known = _tokens.get(key)
    now = time.monotonic()
    if known is not None and known.until > now and has in known.last:
        return known.last[-1]
    try:
        value = read()
    except Http404:
        return None
    if len(_tokens) >= TOKENS_MAX:
        _tokens.clear()
    earlier = tuple(token for token in known.last if token != value) if known is not None else ()
    _tokens[key] = _Known(until=now + TOKEN_SECONDS, last=(*earlier, value)[-LAST_TOKENS:])
    return value


def _early_answer(request: HttpRequest, reader: _Reader, current: str | None) -> HttpResponse | None:
    if current is None:
        return None
    if request.GET.get("token") == current:
        return _fresh(request, HttpResponse(status=204))
    copy = _copies.get((request.path, _choices(request), reader.audience)) if reader.audience else None
    if copy is None or copy.token != current:
        return None
    return _fresh(request, _fill(HttpResponse(), copy, request))


def _fill(response: HttpResponse, copy: _Copy, request: HttpRequest) -> HttpResponse:
    is_compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response.content = copy.compressed if is_compressed else copy.content
    response.headers["Content-Length"] = str(len(response.content))
    if is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


def _choices(request: HttpRequest) -> str:
    """What of the address decides what is shown: all but the token."""
    return urlencode([(name, values) for name, values in request.GET.lists() if name != "token"], doseq=True)


def _fresh(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    request.get_host()  # refuses a name this console does not answer to
    add_never_cache_headers(response)
    return response


def _window_of(request: HttpRequest) -> _Window:
    cookies = request.COOKIES
    return _Window(
        session=cookies.get(settings.SESSION_COOKIE_NAME, ""),
        path=request.path,
        language=cookies.get(settings.LANGUAGE_COOKIE_NAME, ""),
        languages=request.META.get("HTTP_ACCEPT_LANGUAGE", ""),
    )


def _is_still_let_in(reader: _Reader, *, session: str) -> bool:
    """Whether session, person and roles are those that the site has let in. One query."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_ADMISSION, [reader.person, session, now])
        rows = cursor.fetchall()
    if not rows:
        return False
    password, language, time_zone, _ = rows[0]
    roles = frozenset(row[3] for row in rows if row[3] is not None)
    return reader.admission == _Admission(password, language, time_zone, roles)


def _remember(window: _Window, request: HttpRequest, audience: Audience | None) -> None:
    """Keep what the site's check has read, which is what it let in; not what is in the database by now."""
    known = _readers.get(window)
    person = person_of(request)
    admission = _Admission(person.password, person.language, person.time_zone, frozenset(roles_of(request)))
    if audience is None and known is not None and known.admission == admission:
        audience = known.audience
    if len(_readers) >= READERS_MAX:
        _readers.clear()
    _readers[window] = _Reader(person=person.pk, admission=admission, audience=audience)


def _keep_copy(request: HttpRequest, response: SharedUpdate) -> tuple[Audience, _Copy]:
    audience = (response.headers.get("Content-Language", ""), response.roles, response.zone)
    key = (request.path, _choices(request), audience)
    copy = _copies.get(key)
    if copy is None or (copy.token, copy.content) != (response.token, response.content):
        if len(_copies) >= COPIES_MAX:
            _copies.clear()
        compressed = gzip.compress(response.content, COMPRESSION_LEVEL)
        copy = _copies[key] = _Copy(token=response.token, content=response.content, compressed=compressed)
    return audience, copy

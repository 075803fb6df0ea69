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
from importlib import import_module
from typing import NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from console.kernel.authority import Role
from console.kernel.doors import may_read, person_of, roles_of

SHARED_SECONDS = 1.8
"""How long what was read or made for one reader is good for the others: a page is made once in that time, however many
look, and however slow the machine is: it counts from when the page was made."""

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


class _Question(NamedTuple):
    """What a reader asks, who has the copy with the token `has`; choices: what else of the address decides the answer.

    key: of the token, which `read` reads; it raises Http404 where there is nothing.
    """

    window: _Window
    choices: str
    has: str
    key: tuple[str, ...]
    read: Callable[[], str]
    is_compressed: bool


class _Known(NamedTuple):
    """A token, which need not be read again until then."""

    token: str
    until: float


class _Copy(NamedTuple):
    """`compressed` is made once for all readers: it holds no secret of any of them. until: then something newer may be
    made.
    """

    token: str
    content: bytes
    compressed: bytes
    until: float


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
    with (Http404 when there is nothing): whole numbers with points between them, by which a newer copy is the larger.
    """
    _addresses.append(_Address(re.compile(pattern), token, parameters))


class LiveUpdatesMiddleware:
    """Answers early whom the site has let in; remembers whom it lets in and what they were given."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        import_module(settings.ROOT_URLCONF)  # with which pages add their addresses

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer early, or let the rest answer."""
        question = _question_of(request) if is_update(request) else None
        if question is None:
            return self.get_response(request)
        reader = _readers.get(question.window)
        if reader is None or not _is_still_let_in(reader, session=question.window.session):
            return self._ask(question, request)
        early = _early_answer(question, reader)
        if early is None:
            with _making:  # one reader makes the copy that the others, who came meanwhile, are given
                early = _early_answer(question, reader)
                if early is None:
                    return self._ask(question, request)
        request.get_host()  # refuses a name this console does not answer to
        add_never_cache_headers(early)
        return early

    def _ask(self, question: _Question, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code not in (200, 204) or not may_read(request):
            _readers.pop(question.window, None)
            return response
        if not isinstance(response, SharedUpdate):
            _remember(question.window, request, None)
            return response
        audience = (response.headers.get("Content-Language", ""), response.roles, response.zone)
        _remember(question.window, request, audience)
        return _fill(response, _keep_copy(question, audience, response), question)


def is_update(request: HttpRequest) -> bool:
    """Whether a page that is open asks for what has changed."""
    return request.method == "GET" and "HTTP_HX_REQUEST" in request.META


def forget_everything() -> None:
    """As in a new process."""
    _readers.clear()
    _tokens.clear()
    _copies.clear()


def _question_of(request: HttpRequest) -> _Question | None:
    """None at an address without updates."""
    for address in _addresses:
        if found := address.pattern.fullmatch(request.path):
            numbers = {name: int(number) for name, number in found.groupdict().items()}
            texts = {name: request.GET.get(name, "") for name in address.parameters}
            chosen = [(name, values) for name, values in request.GET.lists() if name != "token"]
            return _Question(
                window=_window_of(request),
                choices=urlencode(chosen, doseq=True),
                has=request.GET.get("token", ""),
                key=(request.path, *texts.values()),
                read=partial(address.token, **numbers, **texts),
                is_compressed="gzip" in request.META.get("HTTP_ACCEPT_ENCODING", ""),
            )
    return None


def _order(token: str) -> tuple[int, ...]:
    """By this a newer token is the larger one; whatever is none is older than all."""
    try:
        return tuple(map(int, token.split(".")))
    except ValueError:
        return ()


def _early_answer(question: _Question, reader: _Reader) -> HttpResponse | None:
    """Without the look-up of a page; None when one has to be made."""
    has = _order(question.has)
    copy = _copies.get((question.window.path, question.choices, reader.audience)) if reader.audience else None
    is_recent = copy is not None and copy.until > time.monotonic()
    if copy is not None and is_recent and has < _order(copy.token):
        return _fill(HttpResponse(), copy, question)
    current = _current_token(question)
    if current is None:
        return None
    if question.has == current:
        return HttpResponse(status=204)
    if copy is not None and is_recent and has < _order(current):
        return HttpResponse(status=204)  # the newest that was made; what is newer is made for all at once, and soon
    if copy is not None and copy.token == current:
        return _fill(HttpResponse(), copy, question)
    return None


def _current_token(question: _Question) -> str | None:
    """The token of a moment ago; for a reader whose own is newer, that of now. None where there is nothing."""
    known = _tokens.get(question.key)
    now = time.monotonic()
    if known is not None and known.until > now and _order(question.has) <= _order(known.token):
        return known.token
    try:
        token = question.read()
    except Http404:
        return None
    if len(_tokens) >= TOKENS_MAX:
        _tokens.clear()
    _tokens[question.key] = _Known(token=token, until=now + SHARED_SECONDS)
    return token


def _fill(response: HttpResponse, copy: _Copy, question: _Question) -> HttpResponse:
    response.content = copy.compressed if question.is_compressed else copy.content
    response.headers["Content-Length"] = str(len(response.content))
    if question.is_compressed:
        response.headers["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
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


def _keep_copy(question: _Question, audience: Audience, response: SharedUpdate) -> _Copy:
    """The copy that this reader and the others are given: a newer one, where somebody was quicker."""
    key = (question.window.path, question.choices, audience)
    known = _copies.get(key)
    if known is not None and known.until > time.monotonic() and _order(known.token) > _order(response.token):
        return known
    if len(_copies) >= COPIES_MAX:
        _copies.clear()
    content = response.content
    is_same = known is not None and known.content == content
    compressed = known.compressed if known and is_same else gzip.compress(content, COMPRESSION_LEVEL)
    copy = _Copy(response.token, content, compressed, until=time.monotonic() + SHARED_SECONDS)
    _copies[key] = copy
    return copy

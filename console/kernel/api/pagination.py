"""Lists by cursor: a page goes on behind the last row it showed, however many rows come in between.

A client's names never reach the ORM: filters and orderings are looked up in the view's tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from rest_framework.request import Request

from console.kernel.api.problems import Problem

LIMIT_DEFAULT, LIMIT_MAX = 50, 200
PAGE_PARAMETERS = frozenset({"limit", "cursor", "ordering"})
_SALT = "gatehouse.api.cursor.untimed"
_TEXT_CHARACTERS_MAX = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """One name that a client may filter by: the lookup it stands for, how its text is read, and its choices if few.

    `parse` raises ValueError for a text that the value cannot have.
    """

    lookup: str
    parse: Callable[[str], Any]
    choices: tuple[str, ...] = ()
    about: str = ""
    kind: str = "string"
    format: str = ""


def text(lookup: str, *, about: str = "") -> Filter:
    """A filter by text of at most 200 characters."""
    return Filter(lookup=lookup, parse=_text, about=about)


def one_of(lookup: str, *choices: str, about: str = "") -> Filter:
    """A filter by one of a few words."""

    def parse(given: str) -> str:
        if given not in choices:
            raise ValueError(_("it is one of %(choices)s") % {"choices": ", ".join(choices)})
        return given

    return Filter(lookup=lookup, parse=parse, choices=choices, about=about)


def integer(lookup: str, *, about: str = "") -> Filter:
    """A filter by a whole number from 0 on."""
    return Filter(lookup=lookup, parse=_integer, about=about, kind="integer")


def instant(lookup: str, *, about: str = "") -> Filter:
    """A filter by a moment in RFC 3339."""
    return Filter(lookup=lookup, parse=_instant, about=about, format="date-time")


def page_of(
    request: Request,
    queryset: QuerySet[Any],
    *,
    serialize: Callable[[Any], dict[str, Any]],
    filters: Mapping[str, Filter],
    orderings: Mapping[str, str],
) -> dict[str, Any]:
    """`results` in order, and `next` and `previous` where there are more.

    `orderings` maps public names to columns that are never null; the first, descending, is the default.
    Raises `Problem` invalid-parameter or invalid-cursor.
    """
    for name, one in filters.items():
        if (given := single(request, name)) is not None:
            queryset = queryset.filter(**{one.lookup: _parsed(name, given, one.parse)})
    limit = read_limit(request)
    ordering = single(request, "ordering") or f"-{next(iter(orderings))}"
    is_descending, column = ordering.startswith("-"), orderings.get(ordering.removeprefix("-"))
    if column is None:
        names = ", ".join(f"{name}, -{name}" for name in orderings)
        raise invalid("ordering", _("it is one of %(choices)s") % {"choices": names})
    cursor = _cursor(request, ordering)
    rows, is_backwards = _rows(queryset, column, cursor, is_descending=is_descending, count=limit + 1)
    has_more, rows = len(rows) > limit, rows[:limit]
    if is_backwards:
        rows.reverse()
    page: dict[str, Any] = {"results": [serialize(row) for row in rows]}
    if rows and (has_more or is_backwards):
        page["next"] = _link(request, ordering, column, rows[-1], way="next")
    if rows and (has_more if is_backwards else cursor is not None):
        page["previous"] = _link(request, ordering, column, rows[0], way="previous")
    return page


def read_limit(request: Request) -> int:
    """How many results a page has: 1 to 200, 50 unless the client says. Raises `Problem` invalid-parameter."""
    given = single(request, "limit")
    limit = LIMIT_DEFAULT if given is None else _parsed("limit", given, _integer)
    if not 1 <= limit <= LIMIT_MAX:
        raise invalid("limit", _("it is a number from 1 to %(most)s") % {"most": LIMIT_MAX})
    return int(limit)


def single(request: Request, name: str) -> str | None:
    """The value of a parameter, None without one. Raises `Problem` invalid-parameter when it stands twice."""
    values = request.query_params.getlist(name)
    if len(values) > 1:
        raise invalid(name, _("it stands more than once"))
    return values[0] if values else None


def invalid(name: str, why: str) -> Problem:
    """The problem of a parameter whose value it cannot have."""
    return Problem("invalid-parameter", 400, f"{name}: {why}", errors=[{"detail": why, "parameter": name}])


def _rows(
    queryset: QuerySet[Any], column: str, cursor: dict[str, Any] | None, *, is_descending: bool, count: int
) -> tuple[list[Any], bool]:
    is_backwards = cursor is not None and cursor["way"] == "previous"
    is_falling = is_descending is not is_backwards
    if cursor is not None:
        way = "lt" if is_falling else "gt"
        behind = Q(**{f"{column}__{way}": cursor["value"]}) | Q(**{f"pk__{way}": cursor["key"]})
        queryset = queryset.filter(Q(**{f"{column}__{way}e": cursor["value"]}) & behind)
    sign = "-" if is_falling else ""
    return list(queryset.order_by(f"{sign}{column}", f"{sign}pk")[:count]), is_backwards


def _link(request: Request, ordering: str, column: str, row: Any, *, way: str) -> str:
    value = row
    for part in column.split("__"):
        value = getattr(value, part)
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    query = request.query_params.copy()
    query["cursor"] = signing.Signer(salt=_SALT).sign_object([request.path, ordering, way, value, row.pk])
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _cursor(request: Request, ordering: str) -> dict[str, Any] | None:
    given = single(request, "cursor")
    if given is None:
        return None
    try:
        path, of_ordering, way, value, key = signing.Signer(salt=_SALT).unsign_object(given)
    except signing.BadSignature:
        path = None
    if path != request.path or of_ordering != ordering:
        raise Problem("invalid-cursor", 400, _("Take cursors only from next and previous, in the same order."))
    return {"way": way, "value": value, "key": key}


def _parsed(name: str, given: str, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(given)
    except ValueError as refusal:
        raise invalid(name, str(refusal)) from refusal


def _text(given: str) -> str:
    if "\0" in given or len(given) > _TEXT_CHARACTERS_MAX:
        raise ValueError(_("it is a text of at most %(most)s characters") % {"most": _TEXT_CHARACTERS_MAX})
    return given


def _integer(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise ValueError(_("it is a whole number from 0 on"))
    return int(given)


def _instant(given: str) -> datetime:
    try:
        moment = parse_datetime(given)
        if moment is not None and moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(_("it is a moment with its zone, such as 2026-03-29T10:00:00Z"))

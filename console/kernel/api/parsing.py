"""What a client sent, read without doubt: bounded bodies, strict JSON, and serializers that know all their fields."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any, Never

from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from console.kernel.api.problems import Problem, escaped
from ledger import LedgerError

BODY_BYTES_MAX = 2**20
DEPTH_MAX = 32
INTEGER_MAX = 2**63 - 1
_DIGITS_MAX = len(str(INTEGER_MAX)) + 1


class _Repeated(dict[str, Any]):
    """An object in which a name stands twice."""

    name = ""


class _Unfit:
    """A number that JSON does not know, or that no field could hold."""

    def __init__(self, text: str) -> None:
        self.text = text


class StrictJSONParser(BaseParser):
    """A JSON object in UTF-8 without anything that two readers could understand differently."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object. Raises `Problem` malformed-json with what is wrong and where."""
        return strict_json(stream.read())


def strict_json(body: bytes) -> dict[str, Any]:
    """Read an object: no name twice, no NaN or Infinity, integers of 63 bits, at most 32 levels, valid UTF-8."""
    try:
        text = body.decode()
    except UnicodeDecodeError as fault:
        _refuse(_("byte %(at)s is not UTF-8") % {"at": fault.start})
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_Unfit, parse_int=_integer, parse_float=_number
        )
    except json.JSONDecodeError as fault:
        _refuse(_("line %(line)s, column %(column)s is no JSON") % {"line": fault.lineno, "column": fault.colno})
    except RecursionError:
        _refuse(_("it is nested more than %(levels)s levels deep") % {"levels": DEPTH_MAX})
    if not isinstance(value, dict):
        _refuse(_("it is not an object"))
    _look_through(value)
    return value


def read_body(request: HttpRequest, *, bytes_max: int) -> bytes:
    """The body of the request, kept for everybody who reads it after. Raises `Problem` body-too-large."""
    if not hasattr(request, "_body"):
        body = request.read(bytes_max + 1)
        if len(body) > bytes_max:
            raise Problem(
                "body-too-large",
                413,
                _("The body has more than %(bytes)s bytes, which is the most this address reads.")
                % {"bytes": bytes_max},
            )
        request._body = body
    return request.body


class StrictSerializer(serializers.Serializer[Any]):
    """Reads exactly its fields: one that it does not know is refused, not left out."""

    def to_internal_value(self, data: Any) -> Any:
        """What was sent, by field. Raises ValidationError."""
        if isinstance(data, Mapping):
            unknown = {str(name): [_("There is no such field.")] for name in data if name not in self.fields}
            if unknown:
                raise serializers.ValidationError(unknown | self._wrong(data))
        return super().to_internal_value(data)

    def _wrong(self, data: Any) -> dict[str, Any]:
        """What is wrong with the fields that it does know, so that one answer names everything."""
        try:
            super().to_internal_value(data)
        except serializers.ValidationError as wrong:
            return dict(wrong.detail) if isinstance(wrong.detail, dict) else {}
        except LedgerError:
            return {}  # the ledger refuses whole orders, not fields; what it says is told once the fields are known
        return {}


def parsed(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """The body as the serializer reads it. Raises ValidationError, which becomes `invalid-input` with pointers."""
    reading = serializer(data=request.data)
    reading.is_valid(raise_exception=True)
    read: dict[str, Any] = reading.validated_data
    return read


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) == len(pairs):
        return read
    seen: set[str] = set()
    repeated = _Repeated(read)
    repeated.name = next(name for name, _value in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # add returns nothing, which is false
    return repeated


def _integer(text: str) -> int | _Unfit:
    if len(text) > _DIGITS_MAX or abs(int(text)) > INTEGER_MAX:
        return _Unfit(text)
    return int(text)


def _number(text: str) -> float | _Unfit:
    number = float(text)
    return number if math.isfinite(number) else _Unfit(text)


def _look_through(value: dict[str, Any]) -> None:
    waiting: list[tuple[Any, str, int]] = [(value, "", 1)]
    while waiting:
        one, pointer, depth = waiting.pop()
        if isinstance(one, dict | list):
            if depth > DEPTH_MAX:
                _refuse(_("it is nested more than %(levels)s levels deep") % {"levels": DEPTH_MAX}, pointer)
            if isinstance(one, _Repeated):
                _refuse(_("a name stands twice"), f"{pointer}/{escaped(one.name)}")
            inner = one.items() if isinstance(one, dict) else enumerate(one)
            waiting.extend((below, f"{pointer}/{escaped(str(name))}", depth + 1) for name, below in inner)
            texts = list(one) if isinstance(one, dict) else []
        elif isinstance(one, _Unfit):
            _refuse(_("the number %(number)s cannot be kept") % {"number": one.text[:30]}, pointer)
        else:
            texts = [one] if isinstance(one, str) else []
        if any(_LONE_SURROGATE.search(text) for text in texts):
            _refuse(_("a text holds half of a surrogate pair"), pointer)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _refuse(what: str, pointer: str | None = None) -> Never:
    errors = [] if pointer is None else [{"detail": what, "pointer": pointer.encode(errors="replace").decode()}]
    raise Problem("malformed-json", 400, _("The body is refused: %(what)s.") % {"what": what}, errors=errors)

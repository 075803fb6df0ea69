"""Template tags of the theme: icons, states as text, icon and colour, numbers with units, times, judged sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, cast

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, ngettext, pgettext
from django.utils.translation import gettext as _

from console.admin.icons import SPRITE, svg_of
from console.admin.units import MICROS, ROUNDED, readable
from console.admin.words import EVIDENCE_ROLES, MEASURES, OPENED, OPERATORS, PROFILES, word_of
from console.kernel.charts.figures import GROUPED_FROM
from console.kernel.list_pages import ListPage
from testruns.reading import progress_ppm_of
from testruns.wording import moment_of, said_error, sensible
from testruns.wording import spoken as spoken_text

register = template.Library()

SHORT_DIGEST = 12
SAID_MAX = 4096
"""How many moments, and outcomes of runs, are kept as they are said in each language and zone."""
_CELL = re.compile(r"<t[dh]")


@register.simple_tag
def icon(name: str) -> SafeString:
    """The inline drawing of this name."""
    return svg_of(name)


@register.simple_tag
def sprite() -> SafeString:
    """Every drawing, once per page."""
    return SPRITE


@register.simple_tag
def badge(kind: str, value: str, size: str = "") -> SafeString:
    """A pill with icon and word for a stored state or verdict; nothing for an empty value."""
    if not value:
        return SafeString("")
    word = word_of(kind=kind, value=value)
    return format_html(
        '<span class="badge {} tone-{}">{}{}</span>',
        size,
        word.tone,
        svg_of(word.icon),
        word.text,
    )


@register.simple_tag
def status(kind: str, value: str) -> SafeString:
    """Icon and word without the pill, for tables."""
    return _status(kind, value, get_language()) if value else SafeString("")


@lru_cache(maxsize=SAID_MAX)
def _status(kind: str, value: str, language: str | None) -> SafeString:
    """Made once: there are few words, and a page of rules or requests has a hundred of them."""
    word = word_of(kind=kind, value=value)
    return format_html('<span class="status tone-{}">{}{}</span>', word.tone, svg_of(word.icon), word.text)


@register.simple_tag
def tone(kind: str, value: str) -> str:
    """The class that gives a component the colours of a state."""
    return f"tone-{word_of(kind=kind, value=value).tone}" if value else "tone-idle"


@register.simple_tag
def state_icon(kind: str, value: str) -> SafeString:
    """The drawing alone, where the word stands in a heading beside it."""
    return svg_of(word_of(kind=kind, value=value).icon)


@register.filter
def say(text: str) -> str:
    """A string marked for translation where it was written, in the reader's language."""
    return gettext(text) if text else ""


@register.simple_tag
def spoken(sentence: str, params: dict[str, Any] | None = None) -> str:
    """A judged sentence (template and values) in the reader's language."""
    if not sentence:
        return ""
    language = (get_language() or "en")[:2]
    return spoken_text(template=sentence, params=_own_zone(params or {}), translate=gettext, language=language)


def _own_zone(value: Any) -> Any:
    """Parameters of a sentence with their moments said in the reader's zone."""
    if isinstance(value, Mapping):
        at = moment_of(value)
        return in_own_zone(at) if at else {name: _own_zone(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_own_zone(one) for one in value]
    return value


@register.simple_tag
def error_text(row: Any) -> SafeString:
    """Why an execution or attempt ended without finishing, in the reader's language, its times as on every page."""
    language = (get_language() or "en")[:2]
    return with_moments(
        row.error_params,
        lambda params: said_error(template=row.error, params=params, translate=gettext, language=language),
    )


def with_moments(params: Mapping[str, Any], said_of: Callable[[dict[str, Any]], str]) -> SafeString:
    """What is said of these values, escaped, and each moment among them as on every page."""
    times = {name: at for name, value in params.items() if (at := moment_of(value))}
    marks = {name: f"\x02{name}\x03" for name in times}
    said: str = escape(said_of({**params, **marks}))
    for name, at in times.items():
        said = said.replace(marks[name], moment(at))
    return mark_safe(said)  # noqa: S308 - escaped above


@register.filter
def profile_word(value: str) -> str:
    """The name of a profile."""
    return str(PROFILES.get(value, value))


@register.filter
def operator(value: str) -> str:
    """The sign of a rule's operator."""
    return OPERATORS.get(value, value)


@register.filter
def number(value: Any) -> str:
    """A number with the reader's separators; whole numbers without a fraction, at most three significant decimals."""
    if value in ("", None):
        return ""
    if isinstance(value, int) and 0 <= value < GROUPED_FROM:
        return str(value)
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    if 0 <= exact < GROUPED_FROM and exact == int(exact):
        return str(int(exact))
    return formats.number_format(_trimmed(exact), use_l10n=True, force_grouping=abs(exact) >= GROUPED_FROM).replace(
        "-", "−"
    )


def _trimmed(exact: Decimal) -> Decimal:
    """Without zeros at the end, never in exponents; small values keep three significant digits, others 3 decimals."""
    if exact == exact.to_integral_value():
        return Decimal(int(exact))
    places = 3 if abs(exact) >= 1 else max(3, 2 - exact.adjusted())
    rounded = round(exact, places)
    return Decimal(f"{rounded:f}".rstrip("0").rstrip("."))


@register.simple_tag
def figure(value: Any, unit: str = "", beside: str | None = None) -> SafeString:
    """A measured value in the unit and the digits that a person reads; the exact one on hover.

    beside: the limit it is held against, in the same unit.
    """
    if value in ("", None):
        return format_html('<span class="muted">{}</span>', _("not measured"))
    shown, shown_unit = readable(value=value, unit=unit)
    if isinstance(shown, Decimal) and unit in ROUNDED:
        limit = Decimal(beside) if beside else None
        shown, _unit = sensible(Decimal(str(value)), unit=unit, beside=limit)
    said = _with_unit(shown, shown_unit)
    if unit not in ROUNDED:
        return format_html('<span class="num">{}</span>', said)
    return format_html('<span class="num" title="{}">{}</span>', f"{value} {unit}", said)


@register.simple_tag
def limit(value: str, unit: str) -> SafeString:
    """A number that something is held against, with all of its digits; times in the unit they were asked in."""
    shown, shown_unit = (Decimal(value), unit) if unit == "ms" else readable(value=value, unit=unit)
    return format_html('<span class="num">{}</span>', _with_unit(shown, shown_unit))


def _with_unit(shown: Any, unit: str) -> str:
    return f"{number(shown)}\u202f{unit}" if unit else number(shown)


@register.filter(name="credits")
def said_credits(micros: int | None) -> str:
    """Micro-credits as credits, exact, with the reader's separators."""
    if micros is None:
        return ""
    exact = Decimal(micros) / MICROS
    places = max(2, -int(exact.normalize().as_tuple().exponent))
    return formats.number_format(exact, decimal_pos=places, use_l10n=True, force_grouping=True).replace("-", "−")


@register.filter
def percent(ppm: int | None) -> str:
    """Millionths as whole percent."""
    return "" if ppm is None else f"{ppm // 10_000}\u202f%"


@register.filter
def duration(seconds: Any) -> str:
    """A length of time in its two largest units: 95 -> 1 min 35 s."""
    if seconds in ("", None):
        return ""
    whole = round(seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, rest_seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest_seconds} s" if rest_seconds else f"{minutes} min"
    return f"{rest_seconds} s"


@register.filter
def moment(value: datetime | None) -> SafeString:
    """Date and time in the reader's zone, with its name; UTC stays on hover.

    For a reader who has chosen no zone the browser says its own instead.
    """
    if value is None:
        return SafeString("")
    shown = in_own_zone(value)
    return format_html('<time data-moment datetime="{}" title="{}">{}</time>', value.isoformat(), _in_utc(value), shown)


def in_own_zone(value: datetime) -> str:
    """Date and time in the reader's zone, with its name."""
    return _in_zone(value, timezone.get_current_timezone_name(), get_language())


@lru_cache(maxsize=SAID_MAX)
def _in_zone(value: datetime, zone: str, language: str | None) -> str:
    """Said once: a page has a hundred moments, and most are on the next page too."""
    local = timezone.localtime(value)
    name = f"{local:%Z}"
    zone = name if name[:1].isalpha() else f"UTC{name}"  # many zones have an offset for a name
    written = formats.date_format(local, pgettext("date format", "j M Y, H:i"))
    return f"{written} {zone}"


def _in_utc(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def ago(value: datetime | None) -> SafeString:
    """How long ago; on hover the moment itself, in the reader's zone and in UTC."""
    if value is None:
        return SafeString("")
    shown, in_utc = _how_long_ago((timezone.now() - value).total_seconds()), _in_utc(value)
    return format_html(
        '<time data-ago="{}" datetime="{}" title="{} · {}">{}</time>',
        in_utc,
        value.isoformat(),
        in_own_zone(value),
        in_utc,
        shown,
    )


def _how_long_ago(seconds: float) -> str:
    """In the largest unit that fits; whole sentences, because German declines the unit after the preposition."""
    minutes_ago = int(seconds // 60)
    hours, days = minutes_ago // 60, minutes_ago // (24 * 60)
    if minutes_ago < 1:
        return _("just now")
    if hours < 1:
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes_ago) % {"n": minutes_ago}
    if days < 1:
        return ngettext("%(n)s hour ago", "%(n)s hours ago", hours) % {"n": hours}
    return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}


@register.filter
def short(digest: str) -> str:
    """The first twelve digits of a digest or commit."""
    return digest[:SHORT_DIGEST]


@register.inclusion_tag("console/digest.html")
def digest(value: str, what: str = "") -> dict[str, str]:
    """A digest, shortened, with a button that copies all of it."""
    return {"value": value, "short": value[:SHORT_DIGEST], "what": what or _("digest")}


@register.inclusion_tag("console/pages.html", takes_context=True)
def pages(context: Context, page: ListPage, heading: str = "", anchor: str = "") -> dict[str, Any]:
    """The way to the other pages of a list; whatever else the address asks for stays. heading: of the list."""
    query = context["request"].GET.copy()
    query.pop("token", None)  # of an update: what it brings is asked for by the address of the page

    def address(number: int | str) -> str:
        if number == page.number or not isinstance(number, int):
            return ""
        query[page.parameter] = str(number)
        return f"?{query.urlencode()}{anchor}"

    links = [(number, address(number)) for number in page.numbers] if page.has_other_pages() else []
    return {"page": page, "heading": heading, "links": links}


@register.filter
def labelled(cells: Iterable[str], headers: Sequence[Mapping[str, Any]]) -> list[SafeString]:
    """The cells of a row of Django's list, each with its heading, which a narrow screen shows beside it."""
    return [
        mark_safe(_CELL.sub(rf'\g<0> data-label="{escape(capfirst(header["text"]))}"', cell, count=1))  # noqa: S308
        for cell, header in zip(cells, headers, strict=True)
    ]


@register.simple_tag
def gate_letters(results: Iterable[Any]) -> SafeString:
    """The gates of a run, each with its verdict."""
    return _letters(tuple((result.gate, result.verdict) for result in results), get_language())


@lru_cache(maxsize=SAID_MAX)
def _letters(verdicts: tuple[tuple[str, str], ...], language: str | None) -> SafeString:
    """Made once: a list of runs has few outcomes."""
    results = [{"gate": gate, "verdict": verdict} for gate, verdict in verdicts]
    return render_to_string("testruns/gate_letters.html", {"results": results})


@register.simple_tag
def word(kind: str, value: str) -> str:
    """The word alone, where no drawing has room: options of a select, titles."""
    return str(word_of(kind=kind, value=value).text)


@register.simple_tag
def progress_of(run: Any) -> int:
    """The share of a listed run that is done, in millionths."""
    return progress_ppm_of(run)


@register.filter
def measure_word(name: str) -> str:
    """A short word for a measurement that stands in a line of figures."""
    return str(MEASURES.get(name, name.replace("_", " ")))


@register.filter
def opened_word(kind: str) -> str:
    """What kind of thing a process opened."""
    return str(OPENED.get(kind, kind))


@register.filter
def role_word(role: str) -> str:
    """What a piece of evidence is."""
    return str(EVIDENCE_ROLES.get(role, role))


@register.filter
def minutes(seconds: int) -> int:
    """Whole minutes, rounded up."""
    return -(-seconds // 60)


@register.simple_tag
def margin(result: Any) -> SafeString:
    """The distance to the threshold: a share of it, or for a threshold of 0 the value itself; + is the good side."""
    if result.margin == "":
        return format_html('<span class="muted">{}</span>', "–")
    exact = Decimal(result.margin)
    if Decimal(result.expected) == 0:
        shown, unit = readable(value=exact, unit=result.unit)
        return format_html("{}{}{}", number(shown), "\u202f" if unit else "", unit)
    share = round(exact * 100)
    return format_html("{}{}\u202f%", "+" if share > 0 else "", number(share))


@register.filter
def journal_time(value: datetime) -> str:
    """A journal's time to the millisecond, in UTC, the same in every language: it is compared, not read aloud."""
    return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}"


@register.simple_tag(takes_context=True)
def journal_url(context: Context, page: str, *args: Any, **query: Any) -> str:
    """The address of a page of the journal that is shown. A mapping among the arguments is part of the query."""
    wanted = {name: value for part in args if isinstance(part, Mapping) for name, value in part.items()} | query
    return cast(
        "str", context["journal"].address(page, *(one for one in args if not isinstance(one, Mapping)), **wanted)
    )


@register.filter
def requester(run: Any) -> str:
    """Who asked for a run; a run of the command line may have nobody behind it."""
    return str(run.requested_by) if run.requested_by else _("command line, no person")

"""Template tags of the sign-off screens: judged texts, deadlines, who can clear something, and where a link leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from console.admin.seat_words import lost_seats
from console.admin.words import KINDS, OPERATORS, word_of
from console.kernel.authority import ROLE_LABELS, Act, Role
from console.kernel.doors import explain, roles_of
from console.release_states import MEANING_LABELS, Meaning
from console.releases.builds import name_of
from console.templatetags.gatehouse import digest, limit, moment, number, spoken, status, with_moments
from testruns.gates.registry import GATES, all_rules
from testruns.models import Build

register = template.Library()

SOON_DAYS = 2
_DAY_SECONDS = 24 * 3600
_CHANGED = ("verdict", "recommendation")
_KINDS = {"verdict": ("verdict",), "outcome": ("review",), "old": _CHANGED, "new": _CHANGED}
"""Of which kinds a parameter of a judged text can be a stored word, by its name."""


@register.filter
def text(said: Mapping[str, Any] | None) -> str:
    """A judged text in the reader's language; the stored words in it are those of every badge."""
    return spoken(said["template"], {name: _worded(name, one) for name, one in said["params"].items()}) if said else ""


def _worded(name: str, value: Any) -> Any:
    """A verdict, recommendation or outcome as its badge says it; anything else as it is."""
    for kind in _KINDS.get(name, ()):
        if isinstance(value, str) and value in KINDS[kind]:
            return str(word_of(kind=kind, value=value).text)
    return value


@register.filter
def sentence(said: Mapping[str, Any] | None) -> str:
    """A judged text that stands alone: it begins with a capital."""
    if not said:
        return ""
    whole = text(said)
    is_name_first = said["template"].startswith("%(")  # a name keeps its own first letter
    return whole if is_name_first else whole[:1].upper() + whole[1:]


@register.filter
def sentence_with_moments(said: Mapping[str, Any] | None) -> SafeString:
    """A judged text that stands alone on a page: its moments are those of the tables beside it."""
    if not said:
        return SafeString()
    return with_moments(said["params"], lambda params: sentence({"template": said["template"], "params": params}))


@register.filter
def refusal(error: Any) -> str:
    """Why somebody may not, in the reader's language."""
    return explain(error) if error else ""


@register.filter
def left(until: datetime | date | None) -> str:
    """How long until then, in the largest unit that fits: "in 3 days", "2 hours ago". Days count for a date."""
    if until is None:
        return ""
    if not isinstance(until, datetime):
        days = (until - timezone.localdate()).days
        return _("today") if days == 0 else _days(days)
    seconds = (until - timezone.now()).total_seconds()
    minutes = int(abs(seconds) // 60)
    if minutes == 0:
        return _("within a minute") if seconds > 0 else _("just now")
    if minutes >= 2 * 24 * 60:
        return _days(round(seconds / _DAY_SECONDS))
    if minutes >= 60:
        hours = minutes // 60
        ahead = ngettext("in %(n)s hour", "in %(n)s hours", hours)
        behind = ngettext("%(n)s hour ago", "%(n)s hours ago", hours)
        return (ahead if seconds > 0 else behind) % {"n": hours}
    ahead = ngettext("in %(n)s minute", "in %(n)s minutes", minutes)
    behind = ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes)
    return (ahead if seconds > 0 else behind) % {"n": minutes}


def _days(days: int) -> str:
    if days > 0:
        return ngettext("in %(n)s day", "in %(n)s days", days) % {"n": days}
    return ngettext("%(n)s day ago", "%(n)s days ago", -days) % {"n": -days}


@register.filter
def deadline(until: datetime | date | None) -> SafeString:
    """A deadline absolute and relative, coloured when it is near or over."""
    if until is None:
        return SafeString("")
    return format_html('<span class="deadline {}">{} <span>({})</span></span>', urgency(until), day(until), left(until))


@register.filter
def urgency(until: datetime | date | None) -> str:
    """The tone of a deadline: over, near, or none."""
    if until is None:
        return ""
    if isinstance(until, datetime):
        days = (until - timezone.now()).total_seconds() / _DAY_SECONDS
    else:
        days = (until - timezone.localdate()).days + 1
    if days <= 0:
        return "tone-fail"
    return "tone-unsure" if days < SOON_DAYS else ""


@register.filter
def day(value: datetime | date | None) -> SafeString:
    """A moment with its time, a date without one."""
    if value is None or isinstance(value, datetime):
        return moment(value)
    shown = formats.date_format(value, pgettext("date format", "j M Y"))
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)


@register.filter
def utc(value: datetime) -> str:
    """A moment in UTC to the second, the same in every language: for documents."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.simple_tag
def seats_lost_by(request: HttpRequest, act: str) -> str:
    """The seats that an act costs the reader, for the warning before it; empty when it costs none."""
    return lost_seats(Act(act), roles=roles_of(request))


@register.filter
def role_names(roles: Iterable[Role]) -> str:
    """Roles as words, joined."""
    return ", ".join(_(ROLE_LABELS[Role(role)]) for role in roles)


@register.filter
def meaning_words(value: str) -> str:
    """What a signer meant, as a sentence in the first person."""
    return _(MEANING_LABELS[Meaning(value)]) if value in set(Meaning) else value


@register.filter
def seat_name(value: str) -> str:
    """The name of a seat."""
    return str(word_of(kind="seat", value=value).text)


@register.filter
def in_zone(value: datetime, zone: str) -> str:
    """A moment in a named zone, to the second; in UTC when nobody knows the zone."""
    try:
        local = value.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return utc(value)
    return f"{local:%Y-%m-%d %H:%M:%S} {zone} (UTC{local:%z})"


@register.filter
def gate_title(code: str) -> str:
    """The name of a gate."""
    return _(GATES[code].title) if code in GATES else code


@register.filter
def rule_question(code: str) -> str:
    """What a rule asks."""
    rule = all_rules().get(code)
    return _(rule.question) if rule else ""


@register.simple_tag
def target(requirement: Mapping[str, Any]) -> SafeString:
    """Operator and threshold of a requirement, with its unit."""
    sign = requirement["target"].partition(" ")[0]
    said = limit(limit_of(requirement["target"]), requirement["unit"])
    return format_html("{} {}", OPERATORS.get(sign, sign), said)


@register.filter
def limit_of(target: str) -> str:
    """The threshold of a requirement's target, without its operator."""
    return target.partition(" ")[2]


@register.simple_tag
def gap(requirement: Mapping[str, Any]) -> SafeString:
    """The verdict of a requirement and its distance to the target, a share of it; + is the good side."""
    word = status("verdict", requirement["verdict"])
    if not requirement["gap"]:
        return word
    share = round(Decimal(requirement["gap"]) * 100)
    if share == 0:
        return word
    return format_html('{} <span class="num muted">{}{}\u202f%</span>', word, "+" if share > 0 else "", number(share))


_ADDRESSES = {
    "run": "admin:testruns_run_change",
    "request": "admin:release_request",
    "phase": "admin:release_phase",
    "policy": "admin:testruns_gatepolicy_change",
    "review": "admin:release_review",
    "waiver": "admin:release_waiver",
    "condition": "admin:release_condition",
    "certificate": "admin:release_certificate",
    "draft": "admin:testruns_policy_draft",
    "definition": "admin:release_phase_definition",
    "person": "admin:kernel_person_change",
}


@register.filter
def address(link: str) -> str:
    """Where a link of a reading function leads ("run:12", "phase:5a", "journal"); empty for one without a page."""
    kind, _colon, key = link.partition(":")
    if kind == "journal":
        return reverse("admin:journal_events")
    if kind == "tokens":
        return reverse("admin:tokens")
    if kind == "waivers":
        asked = dict(zip(("phase", "build", "rule_code"), key.split("/"), strict=True))
        return f"{reverse('admin:release_waivers')}?{urlencode(asked)}"
    if kind == "approval":
        return f"{reverse('admin:approval')}?{urlencode({'request': key})}"
    return reverse(_ADDRESSES[kind], args=[key]) if key and kind in _ADDRESSES else ""


@register.filter
def build_address(build: Build) -> str:
    """The page with everything about a build."""
    return reverse("admin:release_build", args=[name_of(build)])


@register.inclusion_tag("console/digest.html")
def build_digest(build: Build) -> dict[str, str]:
    """The commit of a build, shortened, leading to its page; of a build without one the digest of its source tree."""
    shown = digest(build.commit or build.tree_digest, _("commit") if build.commit else "")
    return shown | {"url": build_address(build)}


@register.filter
def link_words(link: str) -> str:
    """What a link leads to, for its text."""
    kind, _colon, key = link.partition(":")
    words = {
        "run": _("Run %(number)s"),
        "request": _("Request %(number)s"),
        "phase": _("Phase %(number)s"),
        "waiver": _("Waiver %(number)s"),
        "waivers": _("Ask for a waiver of rule %(number)s"),
        "condition": _("Condition"),
        "journal": _("Journal"),
        "policy": _("Policy"),
        "review": _("Review %(number)s"),
        "build": "",
    }
    return words.get(kind, "") % {"number": key.rpartition("/")[2]}

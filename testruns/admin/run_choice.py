"""What a reader chose on the page of a run: whose charts, which rules in which order. All of it is in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from testruns.gates.registry import GATES
from testruns.gates.rule import Severity
from testruns.gates.verdicts import Verdict
from testruns.models import RuleResult
from testruns.reading.run_view import RuleLine

ORDERS = {
    "": gettext_lazy("failing first"),
    "margin": gettext_lazy("smallest margin first"),
    "severity": gettext_lazy("most severe first"),
    "code": gettext_lazy("by code"),
}
SEVERITIES = tuple(severity.value for severity in Severity)
_EXECUTION_DIGITS_MAX = 18
_SHOWN_MAX = 50


def _by_margin(line: RuleLine) -> tuple[bool, Decimal]:
    """What was not measured stands after what was."""
    return line.result.margin == "", Decimal(line.result.margin or 0)


_KEYS: Mapping[str, Callable[[RuleLine], Any]] = {
    "margin": _by_margin,
    "severity": lambda line: SEVERITIES.index(line.result.severity),
    "code": lambda line: line.result.code,
}


def choices() -> Mapping[str, tuple[str, ...]]:
    """What each filter of the rules may be set to."""
    return {
        "verdict": tuple(verdict.value for verdict in Verdict),
        "gate": tuple(sorted(GATES)),
        "severity": SEVERITIES,
        "order": tuple(order for order in ORDERS if order),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class RunChoice:
    """Empty is the default of each. charts: the id of an execution. unknown: what was asked for and does not exist."""

    verdict: str = ""
    gate: str = ""
    severity: str = ""
    order: str = ""
    charts: str = ""
    unknown: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: HttpRequest) -> RunChoice:
        """The choice in the address."""
        known = choices()
        asked = {name: request.GET.get(name, "") for name in known}
        chosen = {name: value for name, value in asked.items() if value in known[name]}
        unknown = tuple(value[:_SHOWN_MAX] for name, value in asked.items() if value and name not in chosen)
        charts = request.GET.get("charts", "")
        is_number = charts.isascii() and charts.isdecimal() and len(charts) <= _EXECUTION_DIGITS_MAX
        return cls(**chosen, charts=charts if is_number else "", unknown=unknown)

    @property
    def narrows_rules(self) -> bool:
        """Whether the rules are shown otherwise than failing first and whole."""
        return any((self.verdict, self.gate, self.severity, self.order))

    @property
    def query(self) -> str:
        """The choice as it stands in an address; empty for the default."""
        return urlencode(self._chosen())

    def with_charts(self, execution_id: int) -> str:
        """The address of the same choice with the charts of another execution."""
        return urlencode(self._chosen() | {"charts": execution_id})

    def rules(self, lines: Sequence[RuleLine]) -> tuple[RuleLine, ...]:
        """The rules asked for in the order asked for. lines: failing first; equals stay in that order."""
        shown = [line for line in lines if self._shows(line.result)]
        return tuple(sorted(shown, key=_KEYS[self.order]) if self.order else shown)

    def remarks(self) -> list[str]:
        """What to say about an address that asks for something that does not exist."""
        return [_("“%(value)s” is not a choice of this filter; all is shown.") % {"value": one} for one in self.unknown]

    def _shows(self, result: RuleResult) -> bool:
        asked = ((self.verdict, result.verdict), (self.gate, result.gate), (self.severity, result.severity))
        return all(not wanted or wanted == found for wanted, found in asked)

    def _chosen(self) -> dict[str, Any]:
        names = ("verdict", "gate", "severity", "order", "charts")
        return {name: value for name in names if (value := getattr(self, name))}

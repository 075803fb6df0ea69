"""The list of runs on its page: filters, search, pages. Four queries, however many runs there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from testruns.models import Run
from testruns.plan import IMPORT_PROFILE, OWN_PROFILE, PROFILES
from testruns.reading import listed_runs
from testruns.recommendation import Recommendation
from testruns.run_states import RunState

RUNS_PER_PAGE = 25
FILTERS: Mapping[str, tuple[str, ...]] = {
    "state": tuple(state.value for state in RunState),
    "recommendation": tuple(word.value for word in Recommendation),
    "profile": (*PROFILES, OWN_PROFILE, IMPORT_PROFILE),
}
_NOT_FILTERS = ("q", "page", "token")
_SHOWN_MAX = 50
_UNKNOWN = {
    "state": gettext_lazy("“%(value)s” is not a state of a run; runs in every state are shown."),
    "recommendation": gettext_lazy("“%(value)s” is not a recommendation; runs with every recommendation are shown."),
    "profile": gettext_lazy("“%(value)s” is not a profile; runs of every profile are shown."),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unknown:
    """Something an address asks for that does not exist; without a value it is the filter itself."""

    name: str
    value: str = ""

    def __str__(self) -> str:
        if not self.value:
            return _("“%(name)s” is not a filter of this list; it was left out.") % {"name": self.name[:_SHOWN_MAX]}
        return _UNKNOWN[self.name] % {"value": self.value[:_SHOWN_MAX]}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFilter:
    """What a list is narrowed to. What an address asks for and nobody knows is left out and named in `unknown`."""

    state: str = ""
    recommendation: str = ""
    profile: str = ""
    search: str = ""
    unknown: tuple[Unknown, ...] = ()

    @classmethod
    def of(cls, request: HttpRequest) -> RunFilter:
        """The filter in the address."""
        chosen = {name: request.GET.get(name, "") for name in FILTERS}
        known = {name: value for name, value in chosen.items() if value in FILTERS[name]}
        values = [Unknown(name=name, value=value) for name, value in chosen.items() if value and name not in known]
        names = [Unknown(name=name) for name in request.GET if name not in (*FILTERS, *_NOT_FILTERS)]
        return cls(**known, search=request.GET.get("q", "").strip()[:100], unknown=(*values, *names))

    @property
    def is_set(self) -> bool:
        """Whether anything is filtered out."""
        return any((self.state, self.recommendation, self.profile, self.search))

    def narrow(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        """The runs this filter lets through."""
        wanted = {name: getattr(self, name) for name in FILTERS if getattr(self, name)}
        runs = runs.filter(**wanted)
        if not self.search:
            return runs
        text = self.search.removeprefix("#")
        found = (
            Q(build__commit__istartswith=text)
            | Q(build__name__icontains=text)
            | Q(requested_by__username__icontains=text)
            | Q(requested_by__printed_name__icontains=text)
        )
        if text.isdecimal() and len(text) < 19:
            found |= Q(pk=int(text))
        return runs.filter(found)


def page_of_runs(*, narrowed: RunFilter, number: str | None) -> Page[Run]:
    """One page of the list; a page number that does not exist gives the nearest one."""
    paginator = Paginator(narrowed.narrow(listed_runs()), RUNS_PER_PAGE)
    paginator.count = narrowed.narrow(Run.objects.order_by()).count()  # without the sums
    return paginator.get_page(number)

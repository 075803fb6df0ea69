"""Long lists, a page at a time: how many there are in all is said, and every one can be reached.

Several lists may stand on one screen: each is asked for by a parameter of its own in the address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

PER_PAGE: Final = 10


class ListPage(Page[Any]):
    """One page of a list. parameter: what asks for another one in the address."""

    def __init__(self, page: Page[Any], *, parameter: str) -> None:
        super().__init__(list(page.object_list), page.number, page.paginator)
        self.parameter = parameter

    @property
    def total(self) -> int:
        """How many there are on all pages."""
        return self.paginator.count

    @property
    def numbers(self) -> list[int | str]:
        """Of the pages to offer; "…" stands where some are left out."""
        return list(self.paginator.get_elided_page_range(self.number))


def list_page(
    rows: QuerySet[Any, Any] | Sequence[Any],
    *,
    asked: Mapping[str, str],
    parameter: str = "page",
    per_page: int = PER_PAGE,
    count: int | None = None,
) -> ListPage:
    """The page that is asked for; one that does not exist gives the nearest.

    rows: in their order. asked: the query of an address. count: how many rows there are, where that is known already.
    """
    paginator = Paginator(rows, per_page)
    if count is not None:
        paginator.count = count
    return ListPage(paginator.get_page(asked.get(parameter)), parameter=parameter)

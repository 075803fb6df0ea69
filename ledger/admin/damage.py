"""Damage that shows while a page reads the files: the page says it, and the live journal takes no orders any more."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from ledger.actions import live_is_in_place, live_watch
from ledger.admin.journals import chosen_journal
from ledger.admin.views import render
from ledger.engine.errors import Corrupt
from ledger.translation import translated_values

View = Callable[..., HttpResponse]


def saying_damage(view: View) -> View:
    """Make a page of a journal one that says which record is damaged where it cannot show what was asked for."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Corrupt as damage:
            journal = chosen_journal(request)
            text = _(damage.message) % translated_values(damage.params, _)
            said: dict[str, Any] = {"title": _("The journal is damaged"), "damage": text}
            if journal.is_live and not live_is_in_place():
                said["condition"] = journal.condition
            elif journal.is_live:
                live_watch().standing(is_damaged=True)
            page = render(request, journal, "ledger/damaged.html", **said)
            page.status_code = HTTPStatus.SERVICE_UNAVAILABLE
            return page

    return guarded

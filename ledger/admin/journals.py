"""Which journal a page shows: the live one, or an imported one opened for reading; and how that journal is."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from ledger import Ledger
from ledger.actions import live_ledger
from ledger.condition import Condition, condition_of, live_condition
from ledger.conf import imports_directory, live_journal

PARAMETER = "journal"
OPEN_MAX = 4
_FACTS = "journal.json"

_opening = threading.Lock()
_opened: OrderedDict[Path, Ledger] = OrderedDict()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenJournal:
    """The journal a page shows; `name` is empty for the live one, else the directory of an import."""

    name: str
    path: Path

    @property
    def is_live(self) -> bool:
        """Whether it is the one that commands go to."""
        return not self.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name or _("Live journal")

    def address(self, page: str, *args: object, **query: object) -> str:
        """The address of a page of this journal; `page` is its name in the admin without `journal_`."""
        wanted = {name: value for name, value in query.items() if value not in (None, "")}
        if self.name:
            wanted = {PARAMETER: self.name, **wanted}
        return reverse(f"admin:journal_{page}", args=args) + (f"?{urlencode(wanted)}" if wanted else "")

    def open(self) -> Ledger:
        """The ledger on it, opened on first use. LedgerError, OSError, and whatever a state that cannot take an event
        raises.
        """
        return live_ledger() if self.is_live else _open_import(self.path)

    @property
    def condition(self) -> Condition:
        """How the journal is now. Raises nothing: a page has to be able to say it."""
        return live_condition() if self.is_live else condition_of(self.open, is_import=True)


def journals() -> tuple[ChosenJournal, ...]:
    """The live journal, then the imported ones by name."""
    directory = imports_directory()
    names = sorted(path.parent.name for path in directory.glob(f"*/{_FACTS}")) if directory.is_dir() else []
    imported = (ChosenJournal(name=name, path=directory / name) for name in names if not name.startswith("."))
    return (ChosenJournal(name="", path=live_journal()), *imported)


def chosen_journal(request: HttpRequest) -> ChosenJournal:
    """The journal an address or a form names; the live one, and a message, when there is none of that name."""
    name = request.POST.get(PARAMETER) or request.GET.get(PARAMETER, "")
    known = {journal.name: journal for journal in journals()}
    if name not in known:
        message = _("There is no imported journal “%(name)s”; the live one is shown.") % {"name": name[:80]}
        messages.warning(request, message)
    return known.get(name, known[""])


def _open_import(path: Path) -> Ledger:
    """The last few stay open: an import never changes, and reading it again costs a second per 100,000 events.

    One that has to go is closed when the last page that reads it is done.
    """
    with _opening:
        if path not in _opened:
            ledger = Ledger.open(path=path, read_only=True)
            weakref.finalize(ledger, ledger.journal.close)
            _opened[path] = ledger
        _opened.move_to_end(path)
        if len(_opened) > OPEN_MAX:
            _opened.popitem(last=False)
        return _opened[path]

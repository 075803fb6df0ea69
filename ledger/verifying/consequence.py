"""What a reading of the whole live journal means for its orders, in every process at once.

Damage stops them: it is put on record with the journal, and only a person lets it be written again. A reading that
finds none lets that person do so.
"""

from __future__ import annotations

from pathlib import Path

from ledger.actions import live_watch
from ledger.conf import live_journal
from ledger.degradation import Standing, State


class Consequence:
    """Of one reading; made before the first byte is read, so that damage found meanwhile is not taken for mended.

    Of any other journal than the live one nothing follows.
    """

    def __init__(self, journal: Path) -> None:
        is_live = journal.absolute() == live_journal().absolute()
        self._watch = live_watch() if is_live else None
        self._before = self._watch.on_record() if self._watch is not None else Standing()

    def draw(self, *, is_damaged: bool) -> Standing | None:
        """Put what was found on record; returns how the live journal stands if it takes no orders now. OSError."""
        watch = self._watch
        if watch is None:
            return None
        if is_damaged:
            watch.standing(is_damaged=True)
        else:
            watch.note_sound(since=self._before)
        found = watch.on_record()
        return found if found.state is State.READ_ONLY else None

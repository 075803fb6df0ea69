"""Which runs of a build decide a release: nobody chooses, the newest full runs in a row do (decisions.md, Release)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from ledger import gettext_noop
from testruns.recommendation import Recommendation
from testruns.run_states import RunState

Text = dict[str, Any]
"""A text as `testruns.wording` reads it: {"template", "params"}."""

_TOO_FEW: Final = gettext_noop("%(found)s of %(wanted)s full runs by the active policy are there")
_SAME_SEED: Final = gettext_noop("the full runs %(runs)s have the same seed; run the suite again with another one")
_TOO_OLD: Final = gettext_noop("run %(run)s is older than %(days)s days")
_ENDED: Final = frozenset({RunState.JUDGED, RunState.UNFINISHED, RunState.CANCELLED})


class RunFact(NamedTuple):
    """What of a run decides about its place in a request. A tuple: a build has a thousand, made for every look.

    is_full: whole suite, default injections, soak of its policy. requested_by: a person's number, None for a run
    nobody stands behind, which never decides. finished_at: None while it waits or works.
    """

    run: int
    state: RunState
    recommendation: Recommendation | None
    seed: int
    is_full: bool
    has_active_policy: bool
    requested_by: int | None
    has_begun: bool
    finished_at: datetime | None

    @property
    def may_decide(self) -> bool:
        """Whether it counts among the newest full runs."""
        is_judged = self.state is RunState.JUDGED
        return self.is_full and is_judged and self.has_active_policy and self.requested_by is not None

    @property
    def is_red(self) -> bool:
        """Whether it is a full run that began and came to an end other than GO."""
        return self.is_full and self.has_begun and self.state in _ENDED and self.recommendation is not Recommendation.GO


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The deciding runs, newest first, those a review must answer, and what is missing for a full row of them."""

    deciding: tuple[int, ...]
    to_answer: tuple[int, ...]
    full_count: int
    green_count: int
    missing: tuple[Text, ...]

    @property
    def is_complete(self) -> bool:
        """Whether there are enough deciding runs, with different seeds, young enough."""
        return not self.missing


def select(runs: Sequence[RunFact], *, wanted: int, days_max: int, oldest_at: datetime) -> Selection:
    """Select from every run of a build since the last decision.

    wanted: how many full runs in a row the policy asks for. oldest_at: the instant `days_max` days ago; a deciding run
    finished after it.
    """
    newest_first = sorted(runs, key=lambda fact: fact.run, reverse=True)
    row = [fact for fact in newest_first if fact.may_decide][:wanted]
    deciding = {fact.run for fact in row}
    full = [fact for fact in newest_first if fact.is_full and fact.has_begun and fact.state in _ENDED]
    return Selection(
        deciding=tuple(fact.run for fact in row),
        to_answer=tuple(fact.run for fact in newest_first if fact.is_red and fact.run not in deciding),
        full_count=len(full),
        green_count=sum(not fact.is_red for fact in full),
        missing=tuple(_missing(row, wanted=wanted, days_max=days_max, oldest_at=oldest_at)),
    )


def _missing(row: Sequence[RunFact], *, wanted: int, days_max: int, oldest_at: datetime) -> list[Text]:
    found: list[Text] = []
    if len(row) < wanted:
        found.append({"template": _TOO_FEW, "params": {"found": len(row), "wanted": wanted}})
    if len({fact.seed for fact in row}) < len(row):
        runs = ", ".join(f"#{fact.run}" for fact in row)
        found.append({"template": _SAME_SEED, "params": {"runs": runs}})
    for fact in row:
        if fact.finished_at is None or fact.finished_at <= oldest_at:
            found.append({"template": _TOO_OLD, "params": {"run": f"#{fact.run}", "days": days_max}})
    return found

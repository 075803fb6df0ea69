"""The release checklist of a phase: every item computed, each with why it is red and who can clear it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from console.eligibility import ACT_OF_SEAT
from console.kernel.authority import Act, Role, who_may
from console.phase_definition import SHIPPED_CHECKS, Check
from console.release_states import SEAT_LABELS, Outcome, Seat, Word, words_left_by
from ledger import gettext_noop
from testruns.gates.verdicts import Verdict

LIVE_AGE_MAX: Final = timedelta(hours=24)
"""The last verification of the live journal is at most this old (decisions.md, Release)."""

Text = dict[str, Any]
"""A text as `testruns.wording` reads it: {"template", "params"}."""

_RELEASES: Final = frozenset({Word.GO, Word.CONDITIONAL})
_GO: Final = frozenset({Word.GO})

TITLES: Final[Mapping[str, str]] = {
    "build": gettext_noop("Build"),
    "runs": gettext_noop("Full runs"),
    "gate": gettext_noop("Gate %(gate)s"),
    "soak": gettext_noop("Soak"),
    "newer-runs": gettext_noop("Newer runs"),
    "journal": gettext_noop("Live journal"),
    "running-build": gettext_noop("Running build"),
    "all-green": gettext_noop("Every full run"),
    "no-waivers": gettext_noop("Without waivers"),
    "review": gettext_noop("Review"),
    "conditions": gettext_noop("Conditions"),
    "waivers": gettext_noop("Waivers"),
    "seats": gettext_noop("Signatures"),
    "predecessor": gettext_noop("Phase before"),
}
_CLEARED_BY: Final[Mapping[str, Act]] = {
    "build": Act.REQUEST_RUN,
    "runs": Act.REQUEST_RUN,
    "gate": Act.REQUEST_RUN,
    "soak": Act.REQUEST_RUN,
    "newer-runs": Act.OPEN_REQUEST,
    "journal": Act.VERIFY_JOURNAL,
    "running-build": Act.OPEN_REQUEST,
    "all-green": Act.OPEN_REQUEST,
    "no-waivers": Act.OPEN_REQUEST,
    "review": Act.SIGN_AS_REVIEWER,
    "conditions": Act.CONFIRM_CONDITION,
    "waivers": Act.REQUEST_WAIVER,
    "seats": Act.DECIDE_RELEASE,
    "predecessor": Act.DECIDE_RELEASE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One line of the checklist.

    blocks: the decisions that are impossible while it is red. act: what clears it; people: their names, where it
    takes certain ones. link: what to open, as kind and number ("run:12", "request:7", "journal"; "waivers:5a/1/E03"
    asks for one).
    """

    code: str
    title: Text
    is_green: bool
    why: Text
    blocks: frozenset[Word]
    act: Act
    people: tuple[str, ...] = ()
    link: str = ""

    @property
    def who_can_clear(self) -> tuple[Role, ...]:
        """The roles that may do what clears it."""
        return who_may(act=self.act)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildFact:
    """The build asked for. is_running: whether the console runs on the same source tree."""

    build: int
    name: str
    is_clean: bool
    is_running: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsFact:
    """The deciding runs and how many full ones there are; red_since: full runs that ended red after the opening."""

    deciding: tuple[int, ...]
    full_count: int
    green_count: int
    missing: tuple[Text, ...]
    red_since: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFact:
    """A gate over the deciding runs with waivers laid over; why: what its worst rule says.

    waiver: what could be asked for it, as "phase/build/rule"; empty where nothing can.
    """

    gate: str
    verdict: Verdict
    worst_rule: str | None
    why: Text | None
    waiver: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class JournalFact:
    """The last verification of the live journal."""

    at: datetime
    events: int
    is_sound: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ReviewFact:
    """The signed review of the reviewer's seat. open_findings: critical or major ones; unanswered: runs."""

    outcome: Outcome
    open_findings: int
    unanswered: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionFact:
    """An open condition of this request or of an earlier release of the phase."""

    condition: int
    text: str
    owner: str
    due_date: date
    is_overdue: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WaiverFact:
    """A waiver the manifest rests on."""

    waiver: int
    rule: str
    expires_at: datetime
    is_valid: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PredecessorFact:
    """A phase that opens this one, and whether it does now. label: what its state means."""

    phase: str
    opens: bool
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChecklistFacts:
    """Everything the checklist is computed from. seated: who signed; eligible: who still may, by seat.

    checks: those that can be switched and are on for the phase. is_closing: a CONDITIONAL was decided, so its closed
    conditions answer a review with that outcome.
    """

    request: int | None
    build: BuildFact
    runs: RunsFact
    gates: Sequence[GateFact]
    soak: GateFact | None
    journal: JournalFact | None
    review: ReviewFact | None
    conditions: Sequence[ConditionFact]
    waivers: Sequence[WaiverFact]
    predecessors: Sequence[PredecessorFact]
    seated: Mapping[Seat, str] = field(default_factory=dict)
    eligible: Mapping[Seat, tuple[str, ...]] = field(default_factory=dict)
    checks: frozenset[Check] = frozenset(SHIPPED_CHECKS)
    is_closing: bool = False


def build_checklist(facts: ChecklistFacts, *, now: datetime) -> tuple[Item, ...]:
    """Every item, green or red, in the order in which people clear them."""
    return (
        _build(facts.build),
        _runs(facts.runs),
        *(_gate(one) for one in facts.gates),
        _soak(facts.soak),
        _newer_runs(facts.runs),
        *_switchable(facts, now=now),
        _review(facts),
        _conditions(facts.conditions),
        _waivers(facts.waivers),
        _seats(facts),
        *_predecessors(facts.predecessors),
    )


def unreadable_run(*, run: int, why: Text) -> Item:
    """All that is said where a run that counts cannot be read."""
    return _item("runs", False, why, blocks=_RELEASES, link=f"run:{run}")


def blockers(items: Sequence[Item], word: Word) -> tuple[Item, ...]:
    """The red items that make this decision impossible."""
    return tuple(item for item in items if not item.is_green and word in item.blocks)


def _build(build: BuildFact) -> Item:
    if not build.is_clean:
        why = _text(
            gettext_noop("%(build)s has changes that are in no commit; commit them and run again"), build=build.name
        )
    elif not build.is_running:
        why = _text(gettext_noop("%(build)s is clean; this console runs on another build"), build=build.name)
    else:
        why = _text(gettext_noop("%(build)s is clean, and this console runs on it"), build=build.name)
    return _item("build", build.is_clean, why, blocks=_RELEASES, link=f"build:{build.build}")


def _runs(runs: RunsFact) -> Item:
    counts = {"green": runs.green_count, "full": runs.full_count}
    deciding = ", ".join(str(run) for run in runs.deciding)
    if len(runs.missing) == 1 and runs.full_count == 0:
        why = runs.missing[0]  # "0 of 0 green" says nothing that this does not
    elif runs.missing:
        why = _text(
            gettext_noop("%(missing)s. %(green)s of %(full)s full runs green"), missing=list(runs.missing), **counts
        )
    else:
        why = _text(
            gettext_noop("runs %(deciding)s decide. %(green)s of %(full)s full runs green"), deciding=deciding, **counts
        )
    link = f"run:{runs.deciding[0]}" if runs.deciding else ""
    return _item("runs", not runs.missing, why, blocks=_RELEASES, link=link)


def _gate(gate: GateFact) -> Item:
    """A red gate alone does not stop a CONDITIONAL: what the machine recommends does, and it knows why it is red."""
    is_green = gate.verdict in (Verdict.PASS, Verdict.WAIVED)
    params = {"verdict": gate.verdict.value, "rule": gate.worst_rule or "", "why": gate.why or ""}
    if gate.verdict is Verdict.PASS:
        why = _text(gettext_noop("every rule that decides holds"))
    elif gate.verdict is Verdict.WAIVED:
        why = _text(gettext_noop("rule %(rule)s is waived: %(why)s"), **params)
    elif gate.worst_rule is None:
        why = _text(gettext_noop("no run has answered it"))
    else:
        why = _text(gettext_noop("%(verdict)s by rule %(rule)s: %(why)s"), **params)
    link = f"waivers:{gate.waiver}" if gate.waiver and not is_green else ""
    item = _item("gate", is_green, why, blocks=_GO, link=link)
    return replace(item, code=f"gate-{gate.gate}", title=_text(TITLES["gate"], gate=gate.gate))


def _soak(soak: GateFact | None) -> Item:
    if soak is None:
        return _item("soak", False, _text(gettext_noop("not measured")), blocks=_RELEASES)
    why = soak.why or _text(gettext_noop("not measured"))
    return _item("soak", soak.verdict is Verdict.PASS, why, blocks=_RELEASES)


def _newer_runs(runs: RunsFact) -> Item:
    if not runs.red_since:
        return _item(
            "newer-runs", True, _text(gettext_noop("no full run ended red since the request opened")), blocks=_GO
        )
    why = _text(
        gettext_noop("%(runs)s ended red since the request opened; open a new request that lists it"),
        runs=", ".join(f"#{run}" for run in runs.red_since),
    )
    link = f"run:{runs.red_since[0]}"
    return _item("newer-runs", False, why, blocks=_GO, link=link)


def _switchable(facts: ChecklistFacts, *, now: datetime) -> Iterator[Item]:
    """The checks that people switch on and off for a phase."""
    if Check.RUNNING_BUILD in facts.checks:
        yield _running_build(facts.build)
    if Check.ALL_GREEN in facts.checks:
        yield _all_green(facts.runs)
    if Check.NO_WAIVERS in facts.checks:
        yield _no_waivers(facts.waivers)
    if Check.JOURNAL in facts.checks:
        yield _journal(facts.journal, now=now)


def _running_build(build: BuildFact) -> Item:
    template = (
        gettext_noop("this console runs on it")
        if build.is_running
        else gettext_noop("this console runs on another build than %(build)s")
    )
    return _item("running-build", build.is_running, _text(template, build=build.name), blocks=_RELEASES)


def _all_green(runs: RunsFact) -> Item:
    is_green = runs.green_count == runs.full_count
    why = _text(
        gettext_noop("%(green)s of %(full)s full runs of the build recommend GO"),
        green=runs.green_count,
        full=runs.full_count,
    )
    return _item("all-green", is_green, why, blocks=_GO)


def _no_waivers(waivers: Sequence[WaiverFact]) -> Item:
    if not waivers:
        return _item("no-waivers", True, _text(gettext_noop("none is used")), blocks=_GO)
    names = ", ".join(f"W-{waiver.waiver} ({waiver.rule})" for waiver in waivers)
    why = _text(gettext_noop("the evidence rests on %(waivers)s"), waivers=names)
    return _item("no-waivers", False, why, blocks=_GO, link=f"waiver:{waivers[0].waiver}")


def _journal(journal: JournalFact | None, *, now: datetime) -> Item:
    is_green = False
    if journal is None:
        why = _text(gettext_noop("never verified"))
    elif not journal.is_sound:
        why = _text(gettext_noop("the last verification found faults in it"))
    elif now - journal.at > LIVE_AGE_MAX:
        why = _text(gettext_noop("verified more than %(hours)s hours ago"), hours=_hours(LIVE_AGE_MAX))
    else:
        is_green = True
        why = _text(gettext_noop("%(events)s events, all invariants hold"), events=journal.events)
    return _item("journal", is_green, why, blocks=_RELEASES, link="journal")


def _review(facts: ChecklistFacts) -> Item:
    review, link = facts.review, f"request:{facts.request}" if facts.request else ""
    if review is None:
        why = _text(gettext_noop("no review is signed"))
        return _item("review", False, why, blocks=_RELEASES, link=link)
    left = words_left_by(review.outcome)
    is_left = {Word.GO, *left} if facts.is_closing and Word.CONDITIONAL in left else left
    blocks = frozenset(Word) - is_left
    if review.unanswered:
        runs = ", ".join(f"#{run}" for run in review.unanswered)
        why, blocks = _text(gettext_noop("it does not answer the runs %(runs)s"), runs=runs), _RELEASES
    elif review.open_findings:
        why = _text(gettext_noop("%(count)s critical or major findings are open"), count=review.open_findings)
        blocks = blocks | _GO
    else:
        why = _text(gettext_noop("its outcome is %(outcome)s"), outcome=review.outcome.value)
    return _item("review", not blocks, why, blocks=blocks or _GO, link=link)


def _conditions(conditions: Sequence[ConditionFact]) -> Item:
    if not conditions:
        return _item("conditions", True, _text(gettext_noop("none is open")), blocks=_GO)
    overdue = sum(condition.is_overdue for condition in conditions)
    counts: dict[str, Any] = {"count": len(conditions), "texts": [one.text for one in conditions]}
    if overdue:
        why = _text(gettext_noop("%(count)s open, %(overdue)s of them overdue: %(texts)s"), overdue=overdue, **counts)
    else:
        why = _text(gettext_noop("%(count)s open: %(texts)s"), **counts)
    people = tuple(dict.fromkeys(one.owner for one in conditions))
    link = f"condition:{conditions[0].condition}"
    return _item("conditions", False, why, blocks=_GO, people=people, link=link)


def _waivers(waivers: Sequence[WaiverFact]) -> Item:
    expired = [waiver for waiver in waivers if not waiver.is_valid]
    if expired:
        names = ", ".join(f"W-{waiver.waiver} ({waiver.rule})" for waiver in expired)
        why = _text(gettext_noop("%(waivers)s expired: the rule counts again"), waivers=names)
        link = f"waiver:{expired[0].waiver}"
        return _item("waivers", False, why, blocks=_GO, link=link)
    if not waivers:
        return _item("waivers", True, _text(gettext_noop("none is needed")), blocks=_GO)
    until = min(waiver.expires_at for waiver in waivers)
    why = _text(
        gettext_noop("%(count)s valid, the first until %(until)s"),
        count=len(waivers),
        until={"moment": until.isoformat()},
    )
    return _item("waivers", True, why, blocks=_GO)


def _seats(facts: ChecklistFacts) -> Item:
    missing = [seat for seat in Seat.SUPERVISOR.earlier if seat not in facts.seated]
    names = ", ".join(facts.seated[seat] for seat in Seat.SUPERVISOR.earlier if seat in facts.seated)
    link = f"request:{facts.request}" if facts.request else ""
    if not missing:
        why = _text(gettext_noop("signed by %(names)s"), names=names)
        return _item("seats", True, why, blocks=_RELEASES, link=link)
    people = facts.eligible.get(missing[0], ())
    labels = [_text(SEAT_LABELS[seat]) for seat in missing]
    template = (
        gettext_noop("missing: %(seats)s") if people else gettext_noop("missing, and nobody is left for it: %(seats)s")
    )
    item = _item("seats", False, _text(template, seats=labels), blocks=_RELEASES, people=people, link=link)
    return replace(item, act=ACT_OF_SEAT[missing[0]])


def _predecessors(predecessors: Sequence[PredecessorFact]) -> Iterator[Item]:
    if not predecessors:
        why = _text(gettext_noop("nothing comes before this phase"))
        yield _item("predecessor", True, why, blocks=_RELEASES)
    for one in predecessors:
        why = _text(gettext_noop("phase %(phase)s: %(label)s"), phase=one.phase, label=_text(one.label))
        yield _item("predecessor", one.opens, why, blocks=_RELEASES, link=f"phase:{one.phase}")


def _item(
    code: str,
    is_green: bool,
    why: Text,
    *,
    blocks: frozenset[Word],
    people: tuple[str, ...] = (),
    link: str = "",
) -> Item:
    return Item(
        code=code,
        title=_text(TITLES[code]),
        is_green=is_green,
        why=why,
        blocks=blocks,
        act=_CLEARED_BY[code],
        people=people,
        link=link,
    )


def _text(template: str, /, **params: Any) -> Text:
    return {"template": template, "params": params}


def _hours(age: timedelta) -> int:
    return int(age.total_seconds() // 3600)

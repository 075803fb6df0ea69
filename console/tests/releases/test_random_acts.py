"""Random acts by random people against a small model of the rules: nothing is released that should not be.

The model below is written down once more, in the plainest words, and shares no code with the product. For every act it
says beforehand whether it is to succeed; after a decision it looks at what the database holds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from console import actions
from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.kernel.errors import GatehouseError
from console.models import Decision, ReleaseRequest, SignOff
from console.release_states import Outcome, Seat, Word
from console.tests.people import PASSWORD
from console.tests.releases.passing_time import without_triggers
from console.tests.releases.people import (
    WHY,
    attest,
    attest_execution,
    condition,
    decide,
    sign_review,
    signer,
    write_review,
)
from console.tests.releases.runs import SLOW, WRONG, clean_build, full_run
from testruns.models import Build, RuleResult, Run

pytestmark = pytest.mark.django_db

E, T, R, S = Role.ENGINEER, Role.TESTER, Role.REVIEWER, Role.SUPERVISOR
ROLES = [{E}, {E, R}, {T}, {T, S}, {R}, {R, S}, {S}, {E, T}, {E, T, R, S}, {Role.ADMINISTRATOR}]
RUNNER = 7  # who requested the two green runs that are there from the start
ROLE_OF = {Seat.ENGINEER: E, Seat.TESTER: T, Seat.REVIEWER: R, Seat.SUPERVISOR: S}
ORDER = [Seat.ENGINEER, Seat.TESTER, Seat.REVIEWER]
FAULTS: dict[str, Any] = {"GO": None, "CONDITIONAL": SLOW, "NO_GO": WRONG}
MAY_SAY = {"GO": list(Word), "CONDITIONAL": [Word.CONDITIONAL, Word.NO_GO], "NO_GO": [Word.NO_GO]}
MAY_SAY |= {"APPROVE": list(Word), "REQUEST_CHANGES": [Word.NO_GO], "REJECT": [Word.NO_GO]}

Luck = random.Random


def any_act(luck: Luck) -> tuple[Any, ...]:
    """Anything, by anybody."""
    person, mostly = luck.randrange(len(ROLES)), [luck.random() < 0.9, luck.random() < 0.9]
    return luck.choice(
        [
            ("sign", person, luck.choice(ORDER), *mostly),
            ("draft", person, luck.choice(list(Outcome))),
            ("decide", person, luck.choice([Word.GO, Word.CONDITIONAL]), *mostly),
            ("take back", person, luck.choice(ORDER)),
            ("run", person, luck.choice(list(FAULTS))),
            ("open", person),
            ("alter",),
        ]
    )


def story_of(luck: Luck) -> list[tuple[Any, ...]]:
    """The way to a decision, walked by people who may or may not take it, with anything at all in between.

    A run that ends before the decision is in no manifest, and not to be missed.
    """
    reviewer, outcome = luck.choice([4, 4, 5, 8]), luck.choice([Outcome.APPROVE] * 6 + list(Outcome))
    steps: list[tuple[Any, ...]] = [
        ("open", luck.choice([0, 2, 7, 3, 8])),
        ("sign", luck.choice([0, 1, 7]), Seat.ENGINEER, True, True),
        ("sign", luck.choice([2, 3, 7]), Seat.TESTER, True, True),
        ("draft", reviewer, outcome),
        ("sign", reviewer, Seat.REVIEWER, True, True),
        ("run", RUNNER, luck.choice(["GO", "GO", *FAULTS])),
        ("decide", luck.choice([6, 6, 6, 5, 3, 8]), luck.choice([Word.GO, *Word]), True, True),
    ]
    story = []
    for step in steps:
        story += [any_act(luck)] if luck.random() < 0.2 else []
        story.append(step)
    return story


@dataclass
class Model:
    """What the rules say, in plain words."""

    runs: list[tuple[int, str]] = field(default_factory=lambda: [(RUNNER, "GO"), (RUNNER, "GO")])
    listed: list[tuple[int, str]] | None = None
    opener: int = -1
    seated: dict[Seat, int] = field(default_factory=dict)
    drafts: dict[int, Outcome] = field(default_factory=dict)
    outcome: Outcome | None = None
    is_altered: bool = False

    def may_open(self, person: int) -> bool:
        return bool(ROLES[person] & {E, T, S}) and (self.listed is None or self.opener == person)

    def may_fill(self, person: int, seat: Seat) -> bool:
        """Role, one seat each, and nobody reviews or decides about their own work."""
        if self.listed is None or ROLE_OF[seat] not in ROLES[person]:
            return False
        if any(other is not seat and seated == person for other, seated in self.seated.items()):
            return False
        own = {by for by, _ in self.listed} | {self.opener}
        return seat not in (Seat.REVIEWER, Seat.SUPERVISOR) or person not in own

    def may_sign(self, person: int, seat: Seat) -> bool:
        if seat is not Seat.REVIEWER and self.seated.get(seat) == person:
            return True  # signing again is the signature there is
        earlier = ORDER[: ORDER.index(seat)]
        is_turn = seat not in self.seated and all(one in self.seated for one in earlier)
        has_text = seat is not Seat.REVIEWER or person in self.drafts
        return self.may_fill(person, seat) and is_turn and has_text and not self.is_altered

    def may_decide(self, person: int, word: Word) -> bool:
        if not self.may_fill(person, Seat.SUPERVISOR) or self.is_altered or self.listed is None:
            return False
        if word is Word.NO_GO:
            return True
        worst = max((word for _, word in self.listed[-2:]), key=list(FAULTS).index)
        later = [word for _, word in self.runs[len(self.listed) :] if word != "GO"]
        return (
            all(seat in self.seated for seat in ORDER)
            and word in MAY_SAY[worst]
            and word in MAY_SAY[self.outcome.value if self.outcome else "REJECT"]
            and not (word is Word.GO and later)
        )


class Play:
    """The product, driven by the same acts."""

    def __init__(self, people: list[Actor], build: Build) -> None:
        self.people, self.build, self.model = people, build, Model()
        self.request: ReleaseRequest | None = None
        self.told: list[tuple[Any, ...]] = []

    def act(self, kind: str, *given: Any) -> None:
        self.told.append((kind, *given))
        getattr(self, f"_{kind.replace(' ', '_')}")(*given)

    def _open(self, person: int) -> None:
        expected = self.model.may_open(person)
        request = self._tried(
            expected, actions.open_request, actor=self.people[person], phase="5a", build_id=self.build.pk
        )
        if expected and self.model.listed is None:
            self.request, self.model.opener, self.model.listed = request, person, list(self.model.runs)

    def _run(self, person: int, word: str) -> None:
        full_run(by=self.people[person], faults=FAULTS[word], build=self.build)
        self.model.runs.append((person, word))

    def _draft(self, person: int, outcome: Outcome) -> None:
        assert self.request is not None
        self._tried(R in ROLES[person], write_review, self.request, by=self.people[person], outcome=outcome)
        if R in ROLES[person]:
            self.model.drafts[person] = outcome

    def _sign(self, person: int, seat: Seat, knows_password: bool, saw_it: bool) -> None:
        assert self.request is not None
        sign = {Seat.ENGINEER: attest, Seat.TESTER: attest_execution, Seat.REVIEWER: sign_review}[seat]
        expected = self.model.may_sign(person, seat) and knows_password and saw_it
        self._tried(expected, sign, self.request, by=self.people[person], **self._given(knows_password, saw_it))
        if expected:
            self.model.seated[seat] = person
        if expected and seat is Seat.REVIEWER:
            self.model.outcome = self.model.drafts.pop(person)

    def _take_back(self, person: int, seat: Seat) -> None:
        standing = SignOff.objects.filter(request=self.request, seat=seat.value, withdrawal__isnull=True).first()
        if standing is not None:
            expected = self.model.seated[seat] == person
            actor = self.people[person]
            self._tried(expected, actions.withdraw_sign_off, actor=actor, sign_off_id=standing.pk, reason=WHY)
            if expected:
                del self.model.seated[seat]

    def _alter(self) -> None:
        with without_triggers():
            RuleResult.objects.filter(run__bound_in__is_deciding=True, code="E03").update(actual="1")
        self.model.is_altered = True

    def _decide(self, person: int, word: Word, knows_password: bool, saw_it: bool) -> None:
        assert self.request is not None
        expected = self.model.may_decide(person, word) and knows_password and saw_it
        given = self._given(knows_password, saw_it)
        if word is Word.CONDITIONAL:
            given |= {"conditions": (condition(owner=self.people[0]),)}
        self._tried(expected, decide, self.request, word, by=self.people[person], **given)

    def _given(self, knows_password: bool, saw_it: bool) -> dict[str, Any]:
        assert self.request is not None
        password = PASSWORD if knows_password else "guessed"
        return {"password": password} | ({} if saw_it else {"manifest_digest": "0" * 64})

    def _tried(self, expected: bool, call: Any, *args: Any, **given: Any) -> Any:
        """Do it, and hold what comes out against what the model expects."""
        try:
            answer = call(*args, **given)
        except GatehouseError as refusal:
            assert not expected, f"refused: {refusal} after {self.told}"
            return None
        assert expected, f"{call.__name__} went through after {self.told}"
        return answer


@pytest.fixture
def play() -> Iterator[Any]:
    """People and two green runs, made once; each example plays on them and is rolled back."""
    crowd = [signer(*roles) for roles in ROLES]
    build = clean_build()
    for _ in range(2):
        full_run(by=crowd[RUNNER], build=build)
    actions.verify_live_journal(actor=crowd[0])
    yield lambda: Play(crowd, build)


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a story is short enough to read; no seed is simpler than another
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32))
def test_no_sequence_of_acts_releases_what_the_rules_do_not(play: Any, seed: int) -> None:
    """Distinct people with the roles, on unchanged and complete evidence of one build, or there is no release."""
    before = transaction.savepoint()
    try:
        stage: Play = play()
        for kind, *given_values in story_of(Luck(seed)):
            if stage.request is not None or kind in ("run", "open"):
                stage.act(kind, *given_values)
            if Decision.objects.exists():
                break
        _require_sound(stage)
    finally:
        transaction.savepoint_rollback(before)


def _require_sound(stage: Play) -> None:
    decision = Decision.objects.first()
    event(decision.word if decision else "undecided")
    if decision is None or decision.word == Word.NO_GO.value:
        return
    request = decision.request
    signed = SignOff.objects.filter(request=request, withdrawal__isnull=True)
    deciding = Run.objects.filter(bound_in__request=request, bound_in__is_deciding=True)
    authors = {run.requested_by_id for run in Run.objects.filter(bound_in__request=request)} | {request.opened_by_id}

    assert {one.seat for one in signed} == {seat.value for seat in Seat}
    assert len({one.person_id for one in signed}) == len(Seat)
    assert all(ROLE_OF[Seat(one.seat)] in one.person.roles for one in signed)
    assert not authors & {one.person_id for one in signed if one.seat in ("REVIEWER", "SUPERVISOR")}
    assert {one.manifest_digest for one in signed} == {request.manifest_digest}
    assert len({run.seed for run in deciding}) == 2
    assert {run.build_id for run in deciding} == {request.build_id}
    assert not stage.model.is_altered

"""Capabilities are switched on by a standing release of the running build; and what the live journal's check says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from console import actions, capabilities
from console.actions.refusals import NoStandingRelease, NotBuiltYet, OtherBuildReleased, SwitchedAlready
from console.capabilities import CAPABILITIES, LIVE_SNAPSHOTS
from console.kernel.authority import Role
from console.kernel.errors import InvalidInput, NotAllowed, NotFound
from console.kernel.models import AuditEntry
from console.models import CapabilityAct, LiveVerification, ReleaseRequest
from console.release_states import Word
from console.releases import running_tree_digest
from console.tests.releases.passing_time import outlive
from console.tests.releases.people import WHY, Team, decide, sign_three, signer
from console.tests.releases.runs import full_run
from ledger import Answer, commands
from ledger import released as released_for_live
from ledger.actions import close_live_ledger, live_ledger
from ledger.conf import live_journal
from ledger.operations import seal_live_journal
from ledger.tests.snapshots.reopening import reopened, snapshot_files
from testruns.models import Build

pytestmark = pytest.mark.django_db

STORE = "postgresql-store"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A version of the product that has the capability of phase 5a."""
    known = {code: dataclasses.replace(one, is_built=True) for code, one in CAPABILITIES.items()}
    monkeypatch.setattr("console.actions.capabilities.CAPABILITIES", known)
    yield


@pytest.fixture
def running_build(db: None) -> Build:
    """The build of the source tree these tests run on."""
    return Build.objects.create(name="gatehouse", commit="f" * 40, tree_digest=running_tree_digest(), is_clean=True)


def released(team: Team, build: Build, phase: str = "5a") -> ReleaseRequest:
    for _ in range(2):
        full_run(by=team.runner, build=build)
    actions.verify_live_journal(actor=team.engineer)
    request = actions.open_request(actor=team.opener, phase=phase, build_id=build.pk)
    sign_three(request, team)
    decide(request, Word.GO, by=team.supervisor)
    return request


def switch(team: Team, *, is_on: bool = True) -> CapabilityAct:
    return actions.switch_capability(actor=team.supervisor, capability=STORE, is_on=is_on, reason=WHY)


def test_a_capability_is_switched_on_by_a_standing_release(built: None, team: Team, running_build: Build) -> None:
    """The act names the decision that allowed it."""
    request = released(team, running_build)

    act = switch(team)

    assert act.decision == request.decisions.get()
    assert AuditEntry.objects.filter(act="capability.switch", object=f"capability:{STORE}", outcome="done").exists()


def test_a_lapse_stops_nothing_that_runs_and_everything_new(built: None, team: Team, running_build: Build) -> None:
    """What was switched on stays on record as on; switching off always works, on again does not."""
    request = released(team, running_build)
    switch(team)
    outlive(request.decisions.get())
    assert CapabilityAct.objects.filter(capability=STORE)[0].is_on

    switch(team, is_on=False)

    with pytest.raises(NoStandingRelease, match="lapsed"):
        switch(team)


def test_nothing_is_switched_on_without_a_release(built: None, team: Team) -> None:
    """Nobody ever asked."""
    with pytest.raises(NoStandingRelease, match="5a"):
        switch(team)


def test_a_release_of_another_build_switches_nothing_on_here(built: None, team: Team, build: Build) -> None:
    """What was released is not what runs."""
    released(team, build)

    with pytest.raises(OtherBuildReleased):
        switch(team)


def test_what_is_not_built_yet_is_said(team: Team, running_build: Build) -> None:
    """A release of the phase does not make it exist."""
    released(team, running_build)

    with pytest.raises(NotBuiltYet):
        switch(team)


def test_snapshots_of_the_live_journal_follow_their_switch(team: Team, running_build: Build) -> None:
    """Off until the act that a release of 6a allowed, and off again by the next one."""
    assert not released_for_live.live_snapshots_are_on()
    released(team, running_build)
    released(team, running_build, phase="6a")

    for is_on in (True, False):
        actions.switch_capability(actor=team.supervisor, capability=LIVE_SNAPSHOTS, is_on=is_on, reason=WHY)
        assert released_for_live.live_snapshots_are_on() is is_on


@pytest.mark.django_db(transaction=True)
def test_from_the_act_through_a_seal_to_a_snapshot_that_a_restart_begins_with(team: Team, running_build: Build) -> None:
    """The whole way: released, switched on, sealed, taken by a process, and found when the journal is opened again."""
    live_ledger().execute(commands.CreateAgent(agent="ann"), key="a", actor="user:1", correlation="c")
    released(team, running_build)
    released(team, running_build, phase="6a")
    seal_live_journal(by="cli:test")
    close_live_ledger()
    before = snapshot_files(live_journal())
    actions.switch_capability(actor=team.supervisor, capability=LIVE_SNAPSHOTS, is_on=True, reason=WHY)

    live_ledger().execute(commands.CreateAgent(agent="bob"), key="b", actor="user:1", correlation="c")
    seal = seal_live_journal(by="cli:test")
    close_live_ledger()  # waits for the process that takes it
    live_ledger().execute(commands.CreateAgent(agent="eve"), key="e", actor="user:1", correlation="c")
    close_live_ledger()

    assert seal is not None
    assert before == []
    assert [one.name for one in snapshot_files(live_journal())] == [f"{seal.seq:020}.json"]
    opened = reopened(live_journal())
    assert (opened.began_behind, opened.warnings) == (seal.seq, ())
    assert opened.digest == reopened(live_journal(), from_snapshot=False).digest
    assert live_ledger().balance("bob") == live_ledger().balance("eve") > 0


def test_other_refusals_of_switching(built: None, team: Team, running_build: Build) -> None:
    """Off when it is off, an unknown one, no reason, no role."""
    with pytest.raises(SwitchedAlready):
        switch(team, is_on=False)
    with pytest.raises(NotFound):
        actions.switch_capability(actor=team.supervisor, capability="warp", is_on=True, reason=WHY)
    with pytest.raises(InvalidInput):
        actions.switch_capability(actor=team.supervisor, capability=STORE, is_on=True, reason="now")
    with pytest.raises(NotAllowed):
        actions.switch_capability(actor=signer(Role.AUDITOR), capability=STORE, is_on=True, reason=WHY)

    assert CapabilityAct.objects.count() == 0


def test_every_phase_of_the_roadmap_has_its_capability() -> None:
    """One each, with a name of its own."""
    assert [one.phase for one in capabilities.CAPABILITIES.values()] == ["5a", "6a", "7a", "8a"]


def test_an_empty_journal_is_sound_and_has_no_events(team: Team) -> None:
    """The engine's own records are no events of the ledger."""
    row = actions.verify_live_journal(actor=team.engineer)

    assert (row.events, row.is_sound, row.detail) == (0, True, [])


def test_the_events_of_the_ledger_are_counted(team: Team) -> None:
    """One command with one effect."""
    answer = create_agent()

    row = actions.verify_live_journal(actor=team.reviewer)

    assert row.events == len(answer.events)
    assert row.head == live_ledger().head.hash
    assert row.is_sound


def test_a_damaged_journal_is_found_and_said(team: Team) -> None:
    """One byte in a segment: red, with what and where."""
    create_agent()
    actions.verify_live_journal(actor=team.engineer)
    close_live_ledger()
    _damage(live_journal())

    row = actions.verify_live_journal(actor=team.engineer)

    assert not row.is_sound
    assert row.detail[0]["template"]
    assert LiveVerification.objects.count() == 2


def test_not_everybody_verifies(team: Team) -> None:
    """Refused before anything is read."""
    nobody = signer()

    with pytest.raises(NotAllowed):
        actions.verify_live_journal(actor=nobody)

    assert LiveVerification.objects.count() == 0


def create_agent() -> Answer:
    """One agent in the live journal."""
    command = commands.CreateAgent(agent="ada", initial_micros=5_000_000)
    return live_ledger().execute(command, key="k1", actor="user:1", correlation="c1")


def _damage(journal: Path) -> None:
    segment = min((journal / "segments").glob("*.jsonl"))
    content = bytearray(segment.read_bytes())
    place = content.index(b'"ada"') + 1
    content[place] ^= 0x01
    segment.write_bytes(bytes(content))

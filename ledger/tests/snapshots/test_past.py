"""Balances and approvals behind any event of the past: what `Ledger.at` answers is what was answered then."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import ApprovalState, Ledger, UnknownAgent, commands
from ledger.credits.snapshots import take_snapshot
from ledger.engine.errors import Corrupt, UnknownSeq
from ledger.tests.credits import planting
from ledger.tests.snapshots.reopening import snapshot_files

Then = tuple[str, dict[str, int], tuple[str, ...]]


def answers(ledger: Ledger) -> Then:
    """State digest, every balance, and the requests that wait."""
    waiting = tuple(one.request for one in ledger.approvals(state=ApprovalState.PENDING))
    return ledger.state_digest(), ledger.accounts(), waiting


def play(home: Path) -> dict[int, Then]:
    """Sixty commands over several seals and three snapshots; what the ledger answered behind each."""
    ledger = Ledger.open(path=home, segment_bytes=4096)
    told: dict[int, Then] = {}

    def order(command: commands.CreditCommand, key: str) -> None:
        told[ledger.head.seq] = answers(ledger)
        ledger.execute(command, key=key, actor="user:1", correlation="c")
        told[ledger.head.seq] = answers(ledger)

    for agent in ("ann", "bob"):
        order(commands.CreateAgent(agent=agent, initial_micros=90_000_000), f"create-{agent}")
    for number in range(56):
        request = f"r-{number}"
        if number % 8 == 0:
            asked = commands.RequestApproval(
                request=request, action_type="deploy", risk_level="MEDIUM", context="c", requester="ann"
            )
            order(asked, f"ask-{number}")
        elif number % 8 == 4:
            past = f"r-{number - 4}"
            order(commands.DecideApproval(request=past, approver="boss", is_approval=True, justification="fine"), past)
        else:
            order(commands.Transfer(payer="ann", payee="bob", amount_micros=number + 1, reason="n"), f"pay-{number}")
        if number % 18 == 17:
            ledger.journal.settle_sealing()
            take_snapshot(path=home)
    ledger.close()
    return told


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, Then]]:
    """The journal and what was answered at its events; nobody changes it."""
    home = tmp_path_factory.mktemp("past") / "journal"
    return home, play(home)


@pytest.fixture
def copy(played: tuple[Path, dict[int, Then]], tmp_path: Path) -> Path:
    """One to damage."""
    target = Path(shutil.copytree(played[0], tmp_path / "journal"))
    for file in target.rglob("*.jsonl"):
        file.chmod(0o600)
    return target


@pytest.fixture
def ledger(copy: Path) -> Iterator[Ledger]:
    """That journal, open."""
    ledger = Ledger.open(path=copy)
    yield ledger
    ledger.close()


def test_every_event_of_the_past_answers_as_the_ledger_did_then(
    ledger: Ledger, copy: Path, played: tuple[Path, dict[int, Then]]
) -> None:
    """From snapshots in between and from the first event alike; the sum is 0 behind every event."""
    told = played[1]
    assert len(snapshot_files(copy)) >= 2
    first_snapshot = min(int(one.stem) for one in snapshot_files(copy))
    assert min(told) < first_snapshot < max(told)

    for seq, then in told.items():
        past = ledger.at(seq)
        waiting = tuple(one.request for one in past.approvals(state=ApprovalState.PENDING))
        assert (past.state_digest(), past.accounts(), waiting) == then, seq
        assert past.last.seq == seq
        assert sum(past.accounts().values()) == 0


def test_an_approval_is_as_it_was(ledger: Ledger) -> None:
    """Asked and open behind the first event, approved behind the second; before both nobody knew it."""
    asked, approved = ledger.events(stream="approval:r-0")

    assert ledger.at(asked.seq - 1).approval_state("r-0") is None
    assert ledger.at(asked.seq).approval("r-0").state is ApprovalState.PENDING
    before, after = ledger.at(approved.seq - 1).approval("r-0"), ledger.at(approved.seq).approval("r-0")
    assert (before.state, before.approvers) == (ApprovalState.PENDING, ())
    assert (after.state, after.approvers) == (ApprovalState.APPROVED, ("boss",))
    assert [one.request for one in ledger.at(approved.seq).approvals(state=ApprovalState.APPROVED)] == ["r-0"]


def test_a_damaged_snapshot_changes_no_answer(ledger: Ledger, copy: Path, played: tuple[Path, dict[int, Then]]) -> None:
    """It is passed over; the one before it, or the events, serve."""
    newest = snapshot_files(copy)[-1]
    content = newest.read_bytes()
    newest.write_bytes(content.replace(b'"account"', b'"accounT"', 1))
    seq, then = max(played[1].items())

    assert ledger.at(seq).state_digest() == then[0]


def test_damage_in_the_events_behind_the_answer_is_an_error_and_no_answer(ledger: Ledger, copy: Path) -> None:
    """A balance that rests on a changed record is never told."""
    segment = planting.segments_of(copy)[-1]
    last = next(ledger.events(descending=True, types=["credit.transferred"]))
    changed = segment.read_bytes().replace(b'"reason":"n"', b'"reason":"m"')
    segment.write_bytes(changed)

    with pytest.raises(Corrupt):
        ledger.at(last.seq)


def test_there_is_no_answer_before_the_first_event_and_behind_the_last(ledger: Ledger) -> None:
    """Nothing is guessed."""
    for seq in (0, -1, ledger.head.seq + 1):
        with pytest.raises(UnknownSeq):
            ledger.at(seq)
    with pytest.raises(UnknownAgent):
        ledger.at(1).balance("ann")

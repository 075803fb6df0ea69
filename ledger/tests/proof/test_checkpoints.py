"""Taking checkpoints beside a writer, keeping few of them, and never signing a history that was written anew."""

from pathlib import Path

import pytest

from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout
from ledger.engine.mark import Mark
from ledger.proof import taking
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints, claimed_checkpoint, read_checkpoint, signed
from ledger.proof.errors import HistoryBroken, HistoryChanged, HistoryCut, NothingRecorded
from ledger.proof.history import durable_head
from ledger.tests.engine.counting import event, opened, record
from ledger.tests.proof.journals import KEY, SEGMENT_BYTES, chain_again, change, grow, segments, set_mark, take, taker


def test_a_checkpoint_signs_the_durable_head(home: Path) -> None:
    """Size and root are those of the last event; the note is kept beside the directory, not in it."""
    grow(home, 5, start=1000)
    checkpoint, note = take(home)

    journal = opened(home, read_only=True)
    assert (checkpoint.size, checkpoint.root) == journal.head
    journal.close()
    assert durable_head(path=home) == (checkpoint.size, checkpoint.root)
    path = home.parent / "credits.checkpoints" / f"{checkpoint.size:020d}.note"
    assert path.read_bytes() == note
    assert read_checkpoint(note, keys=[KEY.trusted]) == checkpoint


def test_the_head_is_signed_while_somebody_writes(tmp_path: Path) -> None:
    """Without a lock, over many seals: each checkpoint is that of an event the journal then has."""
    journal = opened(tmp_path / "credits", segment_bytes=SEGMENT_BYTES)
    one, taken = taker(tmp_path / "credits"), []
    for number in range(120):
        record(journal, f"k{number}", event(note="x" * 150))
        if number % 7 == 0:
            taken.append(one.take().checkpoint)

    assert journal.status.segments > 2
    assert [journal.get(seq=checkpoint.size).hash for checkpoint in taken] == [one.root for one in taken]
    journal.close()


def test_it_is_due_after_a_minute_or_ten_thousand_events_and_only_for_something_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing new: not due. A few events: after a minute. Many events: at once."""

    class Clock(OsEnv):
        micros = 1_800_000_000_000_000

        def wall_micros(self) -> int:
            return self.micros

    home, clock = tmp_path / "credits", Clock()
    one = taking.CheckpointTaker(layout=Layout(home), signer=lambda: KEY.signer, env=clock)
    grow(home, 3)

    assert one.take_if_due() is not None
    clock.micros += 2 * taking.MICROS_BETWEEN
    assert one.take_if_due() is None
    grow(home, 3, start=10)
    assert one.take_if_due() is not None
    grow(home, 3, start=20)
    assert one.take_if_due() is None
    monkeypatch.setattr(taking, "EVENTS_BETWEEN", 3)
    assert one.take_if_due() is not None


def test_an_empty_directory_is_never_due_and_cannot_be_signed(tmp_path: Path) -> None:
    """There is no durable event."""
    home = tmp_path / "credits"
    assert taker(home).take_if_due() is None
    grow(home, 1)
    Layout(home).durable.unlink()

    assert taker(home).take_if_due() is None
    with pytest.raises(NothingRecorded):
        take(home)


def test_a_history_that_was_written_anew_is_not_signed(home: Path) -> None:
    """Everything fits but the last checkpoint; a taker that starts now and one that has read on both see it."""
    running = taker(home)
    running.take()
    sizes = KeptCheckpoints(home).sizes()

    def alter(records: list[dict[str, object]]) -> list[dict[str, object]]:
        records[20] = {**records[20], "actor": "user:2"}
        return records

    chain_again(home, alter)

    with pytest.raises(HistoryChanged) as caught:
        take(home)
    assert caught.value.params["size"] == sizes[-1]
    grow(home, 2, start=500)
    with pytest.raises((HistoryChanged, HistoryBroken)):
        running.take()
    assert KeptCheckpoints(home).sizes() == sizes


def test_an_older_copy_is_not_signed(signed: Path, tmp_path: Path, home: Path) -> None:
    """The directory ends before the last checkpoint."""
    size = KeptCheckpoints(home).sizes()[-1]
    last = segments(home)[-1]
    head = int(last.stem) - 1
    last.unlink()
    before = segments(home)[-1].read_bytes()
    digest = bytes.fromhex(before.rstrip(b"\n").split(b'"hash":"')[-1][:64].decode())
    set_mark(home, Mark(head, int(segments(home)[-1].stem), len(before), digest, 0))

    with pytest.raises(HistoryCut) as caught:
        take(home)
    assert caught.value.params == {"last": head, "size": size, "at": caught.value.params["at"]}


def test_a_damaged_record_since_the_last_checkpoint_is_not_signed(home: Path) -> None:
    """Segment and line are named."""
    grow(home, 30, start=500)
    change(segments(home)[-1], lambda lines: [*lines[:2], lines[2].replace(b'"user:1"', b'"user:2"'), *lines[3:]])

    with pytest.raises(HistoryBroken) as caught:
        take(home)
    assert caught.value.params == {"segment": segments(home)[-1].name, "line": 3}


def test_the_newest_hundred_are_kept_and_the_last_of_every_day(tmp_path: Path) -> None:
    """Three days with 60 checkpoints each: 100 of the last, and one for the day before those."""
    kept = KeptCheckpoints(tmp_path / "credits")
    for number in range(180):
        at = f"2026-01-{15 + number // 60}T12:00:{number % 60:02d}.000000Z"
        checkpoint = Checkpoint(journal_id="ab" * 16, size=number + 1, root="cd" * 32, at=at)
        kept.keep(checkpoint, signed(checkpoint, signer=KEY.signer))

    assert kept.sizes() == [60, *range(81, 181)]


def test_a_journal_of_another_id_in_the_same_place_begins_its_own_checkpoints(home: Path, tmp_path: Path) -> None:
    """After a reset: the old checkpoints say nothing about the new journal."""
    other = tmp_path / "other" / "credits"
    grow(other, 400)
    (tmp_path / "credits.checkpoints").rename(other.parent / "credits.checkpoints")

    checkpoint = take(other).checkpoint

    assert claimed_checkpoint(KeptCheckpoints(other).note(checkpoint.size)) == checkpoint

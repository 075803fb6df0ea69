"""Every damage is named, every repair offered for it is tried on real files, and nothing is touched uncopied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ledger import Ledger, check_invariants
from ledger.doctor.errors import RepairNotOffered
from ledger.doctor.examination import Diagnosis, examine
from ledger.doctor.kinds import DamageKind as D
from ledger.doctor.kinds import RepairKind as R
from ledger.doctor.repairing import carry_out
from ledger.engine.layout import Layout
from ledger.tests.doctor import damages
from ledger.tests.doctor.damages import checkpoints_of, content_of, copy_of

Plant = Callable[[Path], None]

CASES: tuple[tuple[Plant, set[D], tuple[R, ...]], ...] = (
    (damages.flip_in_sealed, {D.CORRUPT}, (R.RESTORE_BYTE, R.GO_BACK)),
    (damages.flip_in_active, {D.CORRUPT}, (R.RESTORE_BYTE, R.GO_BACK)),
    (damages.overwrite_in_sealed, {D.CORRUPT}, (R.GO_BACK,)),
    (damages.overwrite_beginning, {D.CORRUPT}, (R.GO_BACK,)),
    (damages.cut_active, {D.CORRUPT}, (R.GO_BACK,)),
    (damages.cut_active_at_a_line, {D.CUT}, (R.GO_BACK,)),
    (damages.cut_sealed, {D.CORRUPT}, (R.GO_BACK,)),
    (damages.tear, {D.TORN}, (R.CUT_TORN_TAIL,)),
    (damages.remove_segment, {D.MISSING_SEGMENT}, (R.GO_BACK,)),
    (damages.remove_last_segment, {D.CUT}, (R.GO_BACK,)),
    (damages.remove_offsets, {D.INDEX}, (R.REBUILD_INDEXES,)),
    (damages.damage_keys, {D.INDEX}, (R.REBUILD_INDEXES,)),
    (damages.damage_snapshot, {D.SNAPSHOT}, (R.DROP_SNAPSHOTS,)),
    (damages.remove_mark, {D.MARK}, (R.REBUILD_MARK,)),
    (damages.damage_mark, {D.MARK}, (R.REBUILD_MARK,)),
    (damages.damage_newer_slot, {D.MARK_SLOT}, (R.REBUILD_MARK,)),
    (damages.remove_older_slot, {D.MARK_SLOT}, (R.REBUILD_MARK,)),
    (damages.remove_manifest_line, {D.MANIFEST}, (R.REBUILD_MANIFEST,)),
    (damages.damage_manifest_line, {D.MANIFEST_LINE}, (R.REBUILD_MANIFEST,)),
    (damages.damage_manifest_crc, {D.MANIFEST_LINE}, (R.REBUILD_MANIFEST,)),
    (damages.remove_facts, {D.FACTS}, (R.REBUILD_FACTS,)),
    (damages.damage_facts, {D.FACTS}, (R.REBUILD_FACTS,)),
    (damages.poison, {D.POISONED}, (R.RECOVER_POISONED,)),
    (damages.older_copy, {D.SHORTER_THAN_SIGNED}, (R.ACCEPT_HISTORY,)),
    (damages.older_copy_written_on, {D.OTHER_THAN_SIGNED}, (R.ACCEPT_HISTORY,)),
)
TRIALS = [(plant, repair) for plant, _, repairs in CASES for repair in repairs]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests work on copies."""
    return damages.make(tmp_path_factory.mktemp("sound") / "journal")


@pytest.fixture
def home(sound: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return copy_of(sound, tmp_path / "copy")


def examined(home: Path) -> Diagnosis:
    return examine(Layout(home), checkpoints=checkpoints_of(home))


def repaired(home: Path, kind: R) -> Path:
    """Carry it out; the answer is the directory with the copies."""
    done = carry_out(path=home, kind=kind, by="cli:root", reason="tested", checkpoints=checkpoints_of(home))
    assert done.unrecorded is None
    return done.kept


def test_a_sound_journal_needs_nothing(home: Path) -> None:
    """No damage, no repair, and looking changes no file."""
    before = content_of(home)

    diagnosis = examined(home)

    assert diagnosis.damages == ()
    assert diagnosis.repairs == ()
    assert content_of(home) == before


@pytest.mark.parametrize(("plant", "found", "offered"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_each_damage_is_named_with_its_repairs(home: Path, plant: Plant, found: set[D], offered: tuple[R, ...]) -> None:
    """Its main kind among what follows from it; looking changes no file; every sentence has its values."""
    plant(home)
    before = content_of(home)

    diagnosis = examined(home)

    assert found <= {damage.kind for damage in diagnosis.damages}
    assert set(offered) <= {repair.kind for repair in diagnosis.repairs}
    assert content_of(home) == before
    for damage in diagnosis.damages:
        assert "%" not in damage.text % damage.params
    for repair in diagnosis.repairs:
        assert "%" not in repair.does % repair.params + repair.loses % repair.params


@pytest.mark.parametrize(("plant", "kind"), TRIALS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_each_repair_mends_what_it_is_offered_for(home: Path, plant: Plant, kind: R) -> None:
    """The journal is sound and every invariant holds; what was there before is in the copies; it goes on."""
    plant(home)
    before = content_of(home)

    kept = repaired(home, kind)

    for _ in range(3):  # a repair may bring to light what it could not see before
        left = examined(home)
        if not left.damages:
            break
        repaired(home, left.repairs[0].kind)
    assert left.damages == ()
    assert check_invariants(home).is_held
    _assert_kept(home, before, kept)
    ledger = Ledger.open(path=home)
    assert ledger.status.state == "normal"
    assert {event.data["cause"] for event in ledger.events(types=["journal.recovered"])} & {"repaired", "poisoned"}
    ledger.close()


def _assert_kept(home: Path, before: dict[str, bytes], kept: Path) -> None:
    """Every file that is gone, or no longer begins as it did, has a copy among the repairs."""
    after = content_of(home)
    files = [(one, file) for one in kept.parent.iterdir() for file in one.rglob("*") if file.is_file()]
    copies = {str(file.relative_to(one)): file.read_bytes() for one, file in files}
    said = orjson.loads((kept / "repair.json").read_bytes())
    assert said["reason"] == "tested"
    for name, content in before.items():
        body = content.rstrip(b"\n")
        is_touched = name not in after or (not after[name].startswith(body) and not name.endswith("durable"))
        if is_touched:
            assert copies.get(name) == content, name


def test_restoring_a_byte_gives_back_the_very_bytes(home: Path, sound: Path) -> None:
    """Every event, with its hash; nothing is lost."""
    damages.flip_in_sealed(home)

    repaired(home, R.RESTORE_BYTE)

    assert damages.segments(home)[0].read_bytes() == damages.segments(sound)[0].read_bytes()
    assert damages.segments(home)[0].stat().st_mode & 0o777 == 0o440


def test_going_back_says_beforehand_exactly_what_is_lost(home: Path, sound: Path) -> None:
    """The first and the last event, by number; afterwards exactly those are gone."""
    damages.overwrite_in_sealed(home)
    known = Ledger.open(path=sound, read_only=True)
    head, hashes = known.head.seq, {event.seq: event.hash for event in known.events()}
    known.close()

    loss = examined(home).offered(R.GO_BACK)
    assert loss is not None
    repaired(home, R.GO_BACK)

    ledger = Ledger.open(path=home, read_only=True)
    kept = {event.seq: event.hash for event in ledger.events(until=loss.params["first"] - 1)}
    assert loss.params["last"] == head
    assert kept == {seq: text for seq, text in hashes.items() if seq < loss.params["first"]}
    assert ledger.journal.get(seq=loss.params["first"]).hash != hashes[loss.params["first"]]
    ledger.close()


def test_a_repair_that_is_not_needed_is_refused(home: Path) -> None:
    """With what would be possible, and no file is touched."""
    damages.tear(home)
    before = content_of(home)

    with pytest.raises(RepairNotOffered, match="cut-torn-tail"):
        repaired(home, R.GO_BACK)

    assert content_of(home) == before
    assert not (home.parent / "copy.repairs").exists()

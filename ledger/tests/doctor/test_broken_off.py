"""A repair that is broken off can be repeated and has lost nothing without a copy; who reads beside it sees the end."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger import Ledger, check_invariants
from ledger.doctor.examination import examine
from ledger.doctor.kinds import DamageKind, RepairKind
from ledger.doctor.repairing import carry_out
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout
from ledger.tests.doctor import damages
from ledger.tests.doctor.damages import checkpoints_of, content_of, copy_of

CHANGES = ("pwrite", "truncate", "rename", "unlink", "fsync", "fdatasync", "sync_directory", "mkdir", "chmod")


class BreakingOff(OsEnv):
    """The real disk until `left` changes were made; then every further one fails, as on a full disk."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        for name in CHANGES:
            setattr(self, name, self._counted(getattr(super(), name)))

    def _counted(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*arguments)

        return counted


class FullDisk(OsEnv):
    """The real disk, which says that it is full."""

    def disk(self, path: Path) -> tuple[int, int]:
        """Of 64 GiB one is left."""
        return 64 * 2**30, 2**30


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once; tests work on copies."""
    return damages.make(tmp_path_factory.mktemp("sound") / "journal")


def repair(home: Path, kind: RepairKind, env: OsEnv | None = None) -> None:
    """Carry it out."""
    carry_out(path=home, kind=kind, by="cli:root", reason="", checkpoints=checkpoints_of(home), env=env)


def bytes_kept(home: Path) -> set[bytes]:
    """Every content among the copies."""
    kept = home.parent / f"{home.name}.repairs"
    return {file.read_bytes() for file in kept.rglob("*") if file.is_file()} if kept.exists() else set()


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (damages.overwrite_in_sealed, RepairKind.GO_BACK),
        (damages.flip_in_sealed, RepairKind.RESTORE_BYTE),
        (damages.damage_keys, RepairKind.REBUILD_INDEXES),
    ],
)
def test_a_repair_broken_off_anywhere_can_be_repeated_and_has_lost_nothing(
    sound: Path, tmp_path: Path, plant: Callable[[Path], None], kind: RepairKind
) -> None:
    """The disk fills up at every third change in turn."""
    for left in range(0, 200, 3):
        (tmp_path / str(left)).mkdir()
        home = copy_of(sound, tmp_path / str(left) / "copy")
        plant(home)
        before = content_of(home)
        try:
            repair(home, kind, BreakingOff(left))
        except OSError:
            after, kept = content_of(home), bytes_kept(home)
            for name, content in before.items():
                assert after.get(name) == content or content in kept or name.endswith("durable"), (left, name)
            for _ in range(4):
                if not (todo := examine(Layout(home), checkpoints=checkpoints_of(home)).repairs):
                    break
                repair(home, todo[0].kind)
            assert todo == (), left
            assert check_invariants(home).is_held
        else:
            assert left > 5
            return
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("kind", [RepairKind.RESTORE_BYTE, RepairKind.GO_BACK])
def test_who_reads_beside_a_repair_sees_what_it_left(sound: Path, tmp_path: Path, kind: RepairKind) -> None:
    """A reader that was open on the damaged journal reads everything again, and is normal."""
    home = copy_of(sound, tmp_path / "copy")
    damages.flip_in_sealed(home)
    reader = Ledger.open(path=home, read_only=True)
    assert reader.status.reason

    repair(home, kind)

    fresh = Ledger.open(path=home, read_only=True)
    assert reader.state_digest() == fresh.state_digest()
    assert reader.head == fresh.head
    assert not reader.status.reason
    reader.close()
    fresh.close()


def test_a_full_disk_is_named_with_what_to_do(sound: Path) -> None:
    """It is no damage that a repair mends."""
    diagnosis = examine(Layout(sound), env=FullDisk())

    (damage,) = diagnosis.damages
    assert damage.kind is DamageKind.DISK_FULL
    assert "Free space" in damage.text % damage.params
    assert diagnosis.repairs == ()

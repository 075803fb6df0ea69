"""Every way to tamper with a journal that we could think of: each is found, and located."""

import shutil
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ledger.engine.layout import Layout
from ledger.proof.checkpoints import KeptCheckpoints
from ledger.proof.errors import HistoryChanged
from ledger.proof.history import differences, kept_checkpoints
from ledger.proof.verification import verify
from ledger.tests.proof.journals import KEY, chain_again, change, segments, with_crc

Alter = Callable[[list[bytes]], list[bytes]]
LINE = 5


def _edited(old: bytes, new: bytes) -> Alter:
    return lambda lines: [*lines[: LINE - 1], lines[LINE - 1].replace(old, new, 1), *lines[LINE:]]


def _rechecked(old: bytes, new: bytes) -> Alter:
    return lambda lines: [*lines[: LINE - 1], with_crc(lines[LINE - 1].replace(old, new, 1)), *lines[LINE:]]


EDITS: dict[str, Alter] = {
    **{
        f"edit {old.decode()}": _edited(old, new)
        for old, new in (
            (b'"user:1"', b'"user:2"'),
            (b'"agent:', b'"agenT:'),
            (b'"credit.', b'"Credit.'),
            (b'"mission:1"', b'"mission:2"'),
            (b'"key":"k', b'"key":"K'),
            (b'"version":', b'"version":1'),
            (b'"time":"2', b'"time":"1'),
            (b"xxx", b"xxy"),
        )
    },
    **{
        f"edit and crc anew {old.decode()}": _rechecked(old, new)
        for old, new in (
            (b'"user:1"', b'"user:2"'),
            (b'"agent:', b'"agenT:'),
            (b'"amount_micros":', b'"amount_micros":1'),
            (b'"flush":', b'"flush":1'),
            (b'"schema":1', b'"schema":2'),
            (b'"seq":', b'"seq":1'),
        )
    },
    "delete a record": lambda lines: [*lines[: LINE - 1], *lines[LINE:]],
    "swap two records": lambda lines: [*lines[: LINE - 1], lines[LINE], lines[LINE - 1], *lines[LINE + 1 :]],
    "repeat the record before": lambda lines: [*lines[: LINE - 1], lines[LINE - 2], *lines[LINE - 1 :]],
    "insert an empty line": lambda lines: [*lines[: LINE - 1], b"", *lines[LINE - 1 :]],
    "insert another object": lambda lines: [*lines[: LINE - 1], b"{}", *lines[LINE - 1 :]],
    "blank a record": lambda lines: [*lines[: LINE - 1], b"\n" * len(lines[LINE - 1]), *lines[LINE:]],
    "reverse the rest": lambda lines: [*lines[: LINE - 1], *lines[: LINE - 2 : -1]],
}


@pytest.mark.parametrize("where", [0, 1])
@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_found_at_its_line(home: Path, what: str, where: int) -> None:
    """In the first and in a later segment: the file and the line are named."""
    victim = segments(home)[where]

    change(victim, EDITS[what])

    problem = verify(path=home).problems[0]
    assert (problem.what, problem.segment, problem.line) == ("chain", victim.name, LINE)


def _swap(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _edit_manifest(home: Path, **values: object) -> None:
    path = Layout(home).manifest
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([orjson.dumps(orjson.loads(lines[0]) | values), *lines[1:]]) + b"\n")


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "swap two segments": (lambda home: _swap(*segments(home)[:2]), "chain"),
    "delete a segment": (lambda home: segments(home)[1].unlink(), "segment"),
    "delete the first segment": (lambda home: segments(home)[0].unlink(), "segment"),
    "delete the newest segment": (lambda home: segments(home)[-1].unlink(), "end"),
    "copy one over another": (lambda home: shutil.copy(*segments(home)[:2]), "chain"),
    "cut the seal": (lambda home: change(segments(home)[0], lambda lines: lines[:-1]), "end"),
    "cut the tail": (lambda home: change(segments(home)[-1], lambda lines: lines[:-2]), "end"),
    "manifest: hash": (lambda home: _edit_manifest(home, sha256="0" * 64), "manifest"),
    "manifest: head": (lambda home: _edit_manifest(home, head="0" * 64), "manifest"),
    "manifest: state": (lambda home: _edit_manifest(home, state="0" * 64), "manifest"),
    "manifest: last": (lambda home: _edit_manifest(home, last=7), "manifest"),
    "manifest: another segment": (lambda home: _edit_manifest(home, first=9999), "manifest"),
}


@pytest.mark.parametrize("what", FILES)
def test_an_attack_on_whole_files_is_found(home: Path, what: str) -> None:
    """Segments, seals, tails and manifest lines."""
    attack, found = FILES[what]

    attack(home)

    assert found in {problem.what for problem in verify(path=home).problems}


FORGED: dict[str, Callable[[list[dict[str, object]]], list[dict[str, object]]]] = {
    "edit": lambda records: [*records[:20], {**records[20], "actor": "user:2"}, *records[21:]],
    "swap": lambda records: [*records[:20], records[21], records[20], *records[22:]],
    "replace": lambda records: [*records[:20], records[21], *records[21:]],
}


@pytest.mark.parametrize("what", FORGED)
def test_a_history_chained_again_is_located_by_the_checkpoints(home: Path, what: str) -> None:
    """Sound in itself, manifest and mark included; the first checkpoint behind the change tells."""
    chain_again(home, FORGED[what])
    checkpoints, _ = kept_checkpoints(KeptCheckpoints(home), keys=[KEY.trusted])

    report = verify(path=home, watched={one.size for one in checkpoints})

    (found,) = differences(journal_id=checkpoints[0].journal_id, report=report, checkpoints=checkpoints)
    assert report.is_sound
    assert isinstance(found, HistoryChanged)
    assert (found.params["after"], found.params["size"]) == (0, checkpoints[0].size)

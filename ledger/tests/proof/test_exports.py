"""A journal with its proof in one file: accepted where nothing but the public key is known, refused when touched."""

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ledger.engine import Event
from ledger.proof import exports
from ledger.proof.checkpoints import KeptCheckpoints, read_checkpoint
from ledger.proof.errors import (
    CheckpointOtherKey,
    CheckpointSignatureWrong,
    ExportMalformed,
    HistoryBroken,
    OtherJournal,
)
from ledger.proof.exports import is_export, verify_export, write_export
from ledger.tests.proof.journals import KEY, Key, grow, segments, take, with_crc


@pytest.fixture(scope="module")
def exported(signed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole journal as a file."""
    target = tmp_path_factory.mktemp("export") / "credits.jsonl"
    write_export(journal=signed, note=KeptCheckpoints(signed).newest() or b"", target=target)
    return target


def test_an_export_holds_every_record_as_it_stands_and_the_signed_head(signed: Path, exported: Path) -> None:
    """Header, then the bytes of all segments without padding; the report names events, head and segments."""
    header, _, records = exported.read_bytes().partition(b"\n")
    seen: list[Event] = []

    read = verify_export(path=exported, keys=[KEY.trusted], take=seen.append, watched={20})

    assert records == b"".join(path.read_bytes().rstrip(b"\n") + b"\n" for path in segments(signed))
    assert orjson.loads(header)["format"] == "gatehouse-export-1"
    assert is_export(exported)
    assert not is_export(segments(signed)[0])
    assert read.report.problems == ()
    assert read.report.head == (read.checkpoint.size, read.checkpoint.root)
    assert read.report.segments == len(segments(signed))
    assert [event.seq for event in seen] == list(range(1, read.checkpoint.size + 1))
    assert read.report.hashes == {20: seen[19].hash}


def test_an_older_checkpoint_exports_the_journal_up_to_it(signed: Path, tmp_path: Path) -> None:
    """Not one record more."""
    kept = KeptCheckpoints(signed)
    size = kept.sizes()[0]

    write_export(journal=signed, note=kept.note(size), target=tmp_path / "part")

    assert verify_export(path=tmp_path / "part", keys=[KEY.trusted]).report.head.seq == size


def test_another_key_is_refused_and_no_key_leaves_the_signature_unchecked(exported: Path) -> None:
    """Records alone prove nothing to somebody who does not know the key."""
    with pytest.raises(CheckpointOtherKey):
        verify_export(path=exported, keys=[Key(2).trusted])
    assert verify_export(path=exported, keys=None).report.is_sound


Tamper = Callable[[list[bytes]], list[bytes]]
TAMPERED: dict[str, tuple[Tamper, int]] = {
    "a record edited": (lambda lines: [*lines[:9], lines[9].replace(b'"user:1"', b'"user:2"'), *lines[10:]], 10),
    "an edited record with a new crc": (
        lambda lines: [*lines[:9], with_crc(lines[9].replace(b'"user:1"', b'"user:2"')), *lines[10:]],
        10,
    ),
    "a record deleted": (lambda lines: [*lines[:9], *lines[10:]], 10),
    "two records swapped": (lambda lines: [*lines[:9], lines[10], lines[9], *lines[11:]], 10),
    "a record repeated": (lambda lines: [*lines[:10], *lines[9:]], 11),
    "an empty line": (lambda lines: [*lines[:9], b"", *lines[9:]], 10),
    "the first record missing": (lambda lines: [lines[0], *lines[2:]], 2),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_is_found_at_its_line(exported: Path, tmp_path: Path, what: str) -> None:
    """The line of the file, counted with the header."""
    tamper, line = TAMPERED[what]
    target = tmp_path / "tampered"
    target.write_bytes(b"\n".join(tamper(exported.read_bytes().rstrip(b"\n").split(b"\n"))) + b"\n")

    report = verify_export(path=target, keys=[KEY.trusted]).report

    assert [(problem.what, problem.line) for problem in report.problems] == [("chain", line)]


def test_a_cut_end_a_longer_end_and_half_a_record_are_found(exported: Path, tmp_path: Path) -> None:
    """The signed head is the last record, and nothing follows it."""
    content = exported.read_bytes()
    lines = content.rstrip(b"\n").split(b"\n")
    for what, changed in (
        ("end", b"\n".join(lines[:-1]) + b"\n"),
        ("end", content + b"\n" * 10),
        ("chain", content + b"{}\n"),
        ("chain", content[:-20]),
        ("end", lines[0] + b"\n"),
    ):
        (tmp_path / "tampered").write_bytes(changed)
        report = verify_export(path=tmp_path / "tampered", keys=[KEY.trusted]).report
        assert [problem.what for problem in report.problems] == [what], changed[-60:]


def test_a_header_of_another_journal_or_signature_is_refused(exported: Path, tmp_path: Path) -> None:
    """Note and records belong together; a changed note is not signed."""
    header, _, records = exported.read_bytes().partition(b"\n")
    values, path = orjson.loads(header), tmp_path / "tampered"
    grow(tmp_path / "other", 3)
    foreign = take(tmp_path / "other")
    read_checkpoint(foreign.note, keys=[KEY.trusted])
    for error, changed in (
        (CheckpointSignatureWrong, {"checkpoint": values["checkpoint"].replace("\ntime 2", "\ntime 1")}),
        (OtherJournal, {"journal": "00" * 16}),
        (OtherJournal, {"journal": foreign.checkpoint.journal_id, "checkpoint": foreign.note.decode()}),
    ):
        path.write_bytes(orjson.dumps({**values, **changed}) + b"\n" + records)
        with pytest.raises(error):
            verify_export(path=path, keys=[KEY.trusted])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}\n",
        b'{"format":"gatehouse-export-2","journal":"","checkpoint":""}\n',
        b'{"format":"gatehouse-export-1","journal":"","checkpoint":7}\n',
        b'{"format":"gatehouse-export-1","x":"' + b"x" * 100_000 + b'"}\n',
        b"\xff\xfe\n",
        b"[" * 60_000 + b"\n",
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes) -> None:
    """Hostile headers: by one sentence, in constant memory."""
    (tmp_path / "no").write_bytes(content)

    with pytest.raises(ExportMalformed):
        verify_export(path=tmp_path / "no", keys=[KEY.trusted])


def test_a_line_without_end_is_not_read_into_memory(exported: Path, tmp_path: Path) -> None:
    """Behind the longest record there may be, reading stops."""
    content = exported.read_bytes()
    (tmp_path / "long").write_bytes(content + b"x" * 4 * 2**20)

    problem = verify_export(path=tmp_path / "long", keys=[KEY.trusted]).report.problems[0]

    assert problem.what == "chain"
    assert problem.offset == len(content)


def test_nothing_is_written_over_and_a_damaged_journal_is_not_exported(home: Path, tmp_path: Path) -> None:
    """No file, not even half of one."""
    note = KeptCheckpoints(home).newest() or b""
    (tmp_path / "there").write_text("mine")
    with pytest.raises(FileExistsError):
        write_export(journal=home, note=note, target=tmp_path / "there")
    victim = segments(home)[1]
    victim.write_bytes(victim.read_bytes().replace(b'"user:1"', b'"user:2"', 1))

    with pytest.raises(HistoryBroken) as caught:
        write_export(journal=home, note=note, target=tmp_path / "export")

    assert caught.value.params["segment"] == victim.name
    assert (tmp_path / "there").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if "export" in path.name] == []
    assert exports.FORMAT == "gatehouse-export-1"

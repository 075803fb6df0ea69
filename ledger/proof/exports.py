"""A journal with its proof in one file: a header line with a signed checkpoint, then every record up to it, as it is.

JSON lines and no archive: it is read in constant memory, has nothing to unpack, and `grep` works on it. The records are
one chain over all segments, which begins at zero and must end at the hash that was signed.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from ledger.engine.codec import ZERO_DIGEST
from ledger.engine.env import Env, OsEnv
from ledger.engine.event import Event, Head
from ledger.engine.layout import Layout, write_all
from ledger.engine.segment import OPENED
from ledger.engine.walk import Walker
from ledger.proof.checkpoints import Checkpoint, claimed_checkpoint, read_checkpoint
from ledger.proof.errors import ExportMalformed, HistoryBroken, OtherJournal
from ledger.proof.notes import TrustedKey
from ledger.proof.verification import Finding, Kinds, Progress, Take, VerifyReport, note_kinds

FORMAT = "gatehouse-export-1"
HEADER_BYTES_MAX = 64 * 1024

_BEGINNING = b'{"format":"gatehouse-export-'


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportReport:
    """What an export holds. ``checkpoint`` was signed by a trusted key, unless no keys were given."""

    checkpoint: Checkpoint
    report: VerifyReport


def is_export(path: Path) -> bool:
    """Whether a file says that it is one."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) == _BEGINNING


def write_export(
    *, journal: Path, note: bytes, target: Path, progress: Progress | None = None, env: Env | None = None
) -> Checkpoint:
    """Write every record up to the checkpoint in ``note`` into the new file ``target``, verified while being copied.

    The file appears whole or not at all. Raises HistoryBroken if the records do not end at the signed hash,
    FileExistsError, OSError.
    """
    env, checkpoint = env or OsEnv(), claimed_checkpoint(note)
    if target.exists():
        raise FileExistsError(17, "exists already", str(target))
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    header = orjson.dumps({"format": FORMAT, "journal": checkpoint.journal_id, "checkpoint": note.decode()}) + b"\n"
    out = env.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_all(env, out, header, 0)
        _copy_records(env, Layout(journal.absolute()), checkpoint, out, len(header), progress)
        env.fsync(out)
        env.link(aside, target)
    finally:
        env.close(out)
        env.unlink(aside)
    env.sync_directory(target.absolute().parent)
    return checkpoint


def _copy_records(
    env: Env, layout: Layout, checkpoint: Checkpoint, out: int, at: int, progress: Progress | None
) -> None:
    seq, digest = 0, ZERO_DIGEST
    while seq < checkpoint.size:
        path = layout.segment(seq + 1)
        if not env.exists(path):
            raise HistoryBroken(segment=path.name, line=0)
        fd = env.open(path, os.O_RDONLY)
        try:
            walker = Walker(env=env, fd=fd, segment=seq + 1, offset=0, seq=seq, digest=digest)
            for _, lengths in walker.walk(env.size(fd), checkpoint.size):
                count = sum(lengths)
                write_all(env, out, env.pread(fd, count, walker.offset - count), at)
                at += count
                if progress is not None:
                    progress(walker.seq, checkpoint.size)
        finally:
            env.close(fd)
        if walker.problem is not None or walker.seq == seq:
            raise HistoryBroken(segment=path.name, line=walker.seq - seq + 1)
        seq, digest = walker.seq, walker.digest
    if digest.hex() != checkpoint.root:
        raise HistoryBroken(segment=path.name, line=checkpoint.size - int(path.stem) + 1)


def verify_export(
    *,
    path: Path,
    keys: Sequence[TrustedKey] | None,
    progress: Progress | None = None,
    take: Take | None = None,
    watched: Collection[int] = (),
    env: Env | None = None,
) -> ExportReport:
    """Check the signature, every record, and that they end where the checkpoint says. Nothing else is needed.

    ``keys`` None leaves the signature unchecked. Raises ExportMalformed, a CheckpointRefused, OtherJournal, OSError.
    """
    env = env or OsEnv()
    fd = env.open(path, os.O_RDONLY)
    try:
        checkpoint, start = _read_header(env, fd, path, keys)
        reading = _Reading(checkpoint, watched, take)
        walker = Walker(env=env, fd=fd, segment=1, offset=start, seq=0, digest=ZERO_DIGEST)
        size = env.size(fd)
        for events, _ in walker.walk(size):
            reading.add(events)
            if progress is not None:
                progress(walker.offset, size)
    finally:
        env.close(fd)
    problem = _problem(path, walker, checkpoint, size)
    report = VerifyReport(
        events=walker.seq,
        head=Head(walker.seq, walker.digest.hex()),
        segments=reading.segments,
        chain_breaks=int(walker.problem is not None),
        problems=(problem,) if problem is not None else (),
        torn_bytes=0,
        is_end_proven=True,
        hashes=reading.hashes,
        kinds=reading.kinds,
    )
    return ExportReport(checkpoint=checkpoint, report=report)


def _read_header(env: Env, fd: int, path: Path, keys: Sequence[TrustedKey] | None) -> tuple[Checkpoint, int]:
    """The checkpoint, and where the records begin."""
    line, newline, _ = env.pread(fd, HEADER_BYTES_MAX, 0).partition(b"\n")
    try:
        header = orjson.loads(line)
        form, journal, note = header["format"], header["journal"], header["checkpoint"].encode()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExportMalformed(path=path, reason="its first line is no header") from error
    if form != FORMAT or not newline:
        raise ExportMalformed(path=path, reason=f"its format is {str(form)[:40]}")
    checkpoint = claimed_checkpoint(note) if keys is None else read_checkpoint(note, keys=keys)
    if checkpoint.journal_id != journal:
        raise OtherJournal(found=str(journal)[:40], expected=checkpoint.journal_id)
    return checkpoint, len(line) + 1


class _Reading:
    """What is gathered while the records pass by."""

    def __init__(self, checkpoint: Checkpoint, watched: Collection[int], take: Take | None) -> None:
        self._checkpoint = checkpoint
        self._watched = frozenset(watched)
        self._take = take
        self.hashes: dict[int, str] = {}
        self.kinds: Kinds = {}
        self.segments = 0

    def add(self, events: list[Event]) -> None:
        note_kinds(self.kinds, events)
        for event in events:
            if event.type == OPENED:
                self.segments += 1
                if event.data.get("journal") != self._checkpoint.journal_id:
                    raise OtherJournal(found=str(event.data.get("journal"))[:40], expected=self._checkpoint.journal_id)
            if event.seq in self._watched:
                self.hashes[event.seq] = event.hash
            if self._take is not None:
                self._take(event)


def _problem(path: Path, walker: Walker, checkpoint: Checkpoint, size: int) -> Finding | None:
    """Every record is sound, the last one is the signed one, and nothing but it ends the file."""
    what, problem = "chain", walker.problem
    if problem is not None:
        expected, found = problem.expected, problem.found
    elif (walker.seq, walker.digest.hex()) != (checkpoint.size, checkpoint.root):
        what, expected = "end", f"event {checkpoint.size} with the hash {checkpoint.root} as the last one"
        found = f"the end after event {walker.seq} with the hash {walker.digest.hex()}"
    elif walker.offset != size:
        what, expected, found = "end", "the end of the file", f"{size - walker.offset} bytes more"
    else:
        return None
    return Finding(
        what=what,
        segment=path.name,
        line=walker.seq + 2,
        offset=walker.offset,
        expected=expected,
        found=found,
        seq=walker.seq + 1,
    )

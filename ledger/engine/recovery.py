"""What to do when the records end badly: a flush that tore is cut, rot is reported, a poisoned file is replaced."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ledger.engine import limits
from ledger.engine.env import Env
from ledger.engine.errors import DurabilityUnknown
from ledger.engine.layout import drop, sync_names, write_all
from ledger.engine.mark import Mark
from ledger.engine.segment import Segment, fill, fill_bytes
from ledger.engine.store import Store
from ledger.engine.walk import Problem, later_flush, written_end

RECOVERED = "journal.recovered"


def settle(store: Store, problem: Problem | None) -> dict[str, Any] | None:
    """Make the end of the journal sound, under the lock, after everything was read.

    The valid prefix of an un-fsynced flush is adopted up to its last whole commit (fsync first), the rest goes to
    quarantine and is erased before anything is appended. The answer is the data of the ``journal.recovered`` to be
    recorded, None if nothing was cut. Raises Corrupt if bytes that were durable once are damaged or missing,
    DurabilityUnknown if a sync fails: the journal is then poisoned.
    """
    problem = problem or missing_end(store)
    if problem is not None and is_corrupt(store, problem):
        raise store.corrupt(problem)
    mark = store.marks.read()
    segment = store.active
    if segment is None:
        return None
    if mark is None or mark.seq < store.seq:
        _make_durable(store, mark, lambda: _adopt(store, segment, mark))
    report = _cut(store, problem, mark) if problem is not None else None
    if mark is None or mark.seq < store.seq:
        store.write_mark()
    return report


def _adopt(store: Store, segment: Segment, mark: Mark | None) -> None:
    """Make durable what a dead process left: its records, and the names that lead to the segment it may have opened.

    The records are written again: if its own sync failed and it died before it could say so, the system believes them
    written and another sync would not repeat it.
    """
    start = mark.offset if mark is not None and mark.segment == segment.first else 0
    for at in range(start, segment.end, limits.CHUNK_BYTES):
        piece = store.env.pread(segment.fd, min(limits.CHUNK_BYTES, segment.end - at), at)
        write_all(store.env, segment.fd, piece, at)
    store.env.fdatasync(segment.fd)
    sync_names(store.env, store.layout)


def _make_durable(store: Store, mark: Mark | None, work: Callable[[], None]) -> None:
    """A sync that fails is never tried again on that file: the journal is poisoned, and stays what the mark says."""
    try:
        work()
    except OSError as error:
        store.poison(f"recovery: {error}", mark=mark)
        raise DurabilityUnknown(reason=str(error)) from error


def missing_end(store: Store) -> Problem | None:
    """The journal ends soundly, but before what is known to be durable: its tail was cut, or segments are gone."""
    mark = store.marks.read()
    if (mark is None or mark.seq <= store.seq) and _newest(store) <= store.seq:
        return None
    segment, first, offset = store.active, store.seq + 1, 0
    if segment is not None and not segment.is_sealed:
        first, offset = segment.first, segment.end
    seq, found = store.seq + 1, "the end of the journal"
    return Problem(segment=first, seq=seq, offset=offset, expected=f"event {seq}", found=found)


def _newest(store: Store) -> int:
    """The first event of the newest segment, 0 if there is none."""
    listed = [name for name in store.env.names(store.layout.segments) if name.endswith(".jsonl")]
    return max((int(name.removesuffix(".jsonl")) for name in listed), default=0)


def is_corrupt(store: Store, problem: Problem) -> bool:
    """Whether the bytes at the problem were durable once: at or below the mark, in an older segment, at the very
    beginning of one, or before the flush of a later whole record. Otherwise the flush was torn while being written."""
    mark = store.marks.read()
    if mark is not None and problem.seq <= mark.seq:
        return True
    segment = store.active
    if segment is None or problem.seq == segment.first or _newest(store) > segment.first:
        return True
    highest = later_flush(env=store.env, fd=segment.fd, start=problem.offset, stop=segment.size())
    return highest > problem.seq


def _cut(store: Store, problem: Problem, mark: Mark | None) -> dict[str, Any] | None:
    """Quarantine and erase everything behind the last whole commit. Space that was never written is no loss."""
    segment = store.active
    assert segment is not None
    start, stop = segment.end, segment.size()
    written = written_end(store.env, segment.fd, start, stop)
    name = None
    if written > start:
        name = f"{segment.path.stem}-{start}-{store.env.random_hex(4)}.bin"
        store.env.mkdir(store.layout.quarantine)
        store.env.sync_directory(store.layout.path)
        copy(store.env, segment.fd, start, written, store.layout.quarantine / name)
    _make_durable(store, mark, lambda: segment.erase(start, stop))
    if name is None:
        return None
    return {
        "cause": "torn",
        "segment": segment.path.name,
        "offset": start,
        "bytes": written - start,
        "quarantine": name,
        "expected": problem.expected,
        "found": problem.found[:200],
    }


def copy(env: Env, fd: int, start: int, stop: int, target: Path, *, filled: int = 0) -> None:
    """Bytes of a file into a new one, with newlines up to byte ``filled``, durable with its name."""
    out = env.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        for at in range(start, stop, limits.CHUNK_BYTES):
            write_all(env, out, env.pread(fd, min(limits.CHUNK_BYTES, stop - at), at), at - start)
        fill(env, out, stop - start, filled)
        env.fsync(out)
    finally:
        env.close(out)
    env.sync_directory(target.parent)


def replace_poisoned(store: Store, rewind: Callable[[], Problem | None], *, reason: str, actor: str) -> dict[str, Any]:
    """Put the verified records of the poisoned segment into a new file of the same name, under the lock.

    What a failed fsync left in the old file's cache cannot be trusted to reach the disk, so it is read, verified and
    written to fresh blocks; the old file is kept in quarantine. Raises Corrupt if the durable part is damaged.
    """
    env, layout = store.env, store.layout
    problem = rewind() or missing_end(store)
    if problem is not None and is_corrupt(store, problem):
        raise store.corrupt(problem)
    segment = store.active
    assert segment is not None
    temporary = segment.path.with_suffix(".tmp")
    drop(env, temporary)
    step = fill_bytes(store.facts.segment_bytes)
    filled = 0 if segment.is_sealed else (segment.end // step + 1) * step
    copy(env, segment.fd, 0, segment.end, temporary, filled=filled)
    kept = f"{segment.path.stem}-poisoned-{env.random_hex(4)}.jsonl"
    env.mkdir(layout.quarantine)
    env.link(segment.path, layout.quarantine / kept)
    env.sync_directory(layout.quarantine)
    env.rename(temporary, segment.path)
    env.sync_directory(layout.segments)
    store.marks.reset(Mark(store.seq, segment.first, segment.end, store.digest, store.epoch + 1))
    with suppress(FileNotFoundError):
        env.unlink(layout.poisoned)
    env.sync_directory(layout.path)
    return {"cause": "poisoned", "segment": segment.path.name, "quarantine": kept, "reason": reason, "by": actor}

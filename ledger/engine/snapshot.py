"""Snapshots: the state behind a seal, so that opening folds only what came after it. Derived, and never trusted alone.

``snapshots/<seq>.json``: a header line, one line for each row of the state, an end line with the SHA-256 of all before
it. The ``segment.sealed`` that is event ``seq`` proves one: it has the hash in the header, and the digest of the state.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from ledger.engine import limits
from ledger.engine.env import Buffer, Env
from ledger.engine.event import SnapshotState
from ledger.engine.layout import Layout, drop, read_facts, write_all
from ledger.engine.seal import Sealer, last_event, manifest_lines

FORMAT = "gatehouse-snapshot-1"
_SUFFIX = ".json"
_Say = Callable[[str], None]
NOT_RESTORED = (OSError, ValueError, LookupError, TypeError, AttributeError)


class Place(NamedTuple):
    """Behind a seal: its event, that event's hash (64 hex digits) and time, and the segments up to it."""

    seq: int
    hash: str
    time: str
    firsts: list[int]


def snapshot_seqs(env: Env, layout: Layout) -> list[int]:
    """The events behind which there are snapshots, valid or not, the newest first."""
    if not env.exists(layout.snapshots):
        return []
    names = [name.removesuffix(_SUFFIX) for name in env.names(layout.snapshots) if name.endswith(_SUFFIX)]
    return sorted((int(name) for name in names if name.isdecimal()), reverse=True)


def restore_newest(
    env: Env, layout: Layout, state: SnapshotState, *, until: int | None = None, say: _Say
) -> Place | None:
    """Restore the state from the newest valid snapshot behind at most event ``until``; None if there is none.

    What is wrong with one is said, and the next older one is tried; ``state`` is empty again when none was valid.
    """
    for seq in snapshot_seqs(env, layout):
        if until is not None and seq > until:
            continue
        try:
            return restore(env, layout, state, seq)
        except NOT_RESTORED as error:
            say(f"The snapshot of event {seq} was passed over: {error}.")
            state.reset()
    return None


def restore(env: Env, layout: Layout, state: SnapshotState, seq: int) -> Place:
    """The state behind event ``seq``. Raises one of NOT_RESTORED, and then ``state`` may be half of it."""
    content = _content(env, layout, seq)
    header = orjson.loads(content[: content.find(b"\n")])
    end_at = content.rfind(b"\n", 0, len(content) - 1) + 1
    if header["format"] != FORMAT or content[end_at:] != _end_line(seq, hashlib.sha256(memoryview(content)[:end_at])):
        raise ValueError("it is damaged or cut")
    if header["journal"] != read_facts(env, layout).journal_id:
        raise ValueError("it is of another journal")
    if header["state"] != state.schema:
        raise ValueError(f"its state has schema {header['state']}, this version has {state.schema}")
    place, sealed = sealed_place(env, layout, seq)
    if header["seq"] != seq or header["hash"] != place.hash:
        raise ValueError("the journal has another event there")
    state.restore(_rows(content, content.find(b"\n") + 1, end_at))
    if state.digest() != sealed:
        raise ValueError("its state is not the one that was sealed")
    return place


def sealed_place(env: Env, layout: Layout, seq: int) -> tuple[Place, str]:
    """The place behind the seal that is event ``seq``, and the state digest in it.

    ValueError if no segment ends there, or if one up to it is not what it was when it was sealed.
    """
    listed = Sealer(env, layout).sound_segments(seq)
    record = last_event(env, layout.segment(listed[-1]["first"]), listed[-1]["bytes"])
    if record["seq"] != seq:
        raise ValueError("the journal has another event there")
    return Place(seq, record["hash"], record["time"], [line["first"] for line in listed]), record["data"]["state"]


def _content(env: Env, layout: Layout, seq: int) -> Buffer:
    fd = env.open(layout.snapshot(seq), os.O_RDONLY)
    try:
        return env.map(fd)
    finally:
        env.close(fd)


def _rows(content: Buffer, start: int, stop: int) -> Iterator[Any]:
    while start < stop:
        end = content.find(b"\n", start, stop)
        yield orjson.loads(content[start:end])
        start = end + 1


def write_snapshot(env: Env, layout: Layout, state: SnapshotState, place: Place) -> None:
    """Put the snapshot of ``state`` behind ``place`` in place, durably and all at once; the last few are kept.

    Processes take turns by the flock on the manifest, as those do that finish a seal.
    """
    env.mkdir(layout.snapshots)
    manifest = env.open(layout.manifest, os.O_RDWR)
    try:
        env.lock(manifest)
        _write(env, layout, state, place)
        ends = {line["last"] for line in manifest_lines(env, layout)}
        kept = [seq for seq in snapshot_seqs(env, layout) if seq in ends][: limits.SNAPSHOTS_KEPT]
        for name in sorted(set(env.names(layout.snapshots)) - {layout.snapshot(seq).name for seq in kept}):
            drop(env, layout.snapshots / name)
    finally:
        env.unlock(manifest)
        env.close(manifest)


def _write(env: Env, layout: Layout, state: SnapshotState, place: Place) -> None:
    header = {"format": FORMAT, "journal": read_facts(env, layout).journal_id, "seq": place.seq, "hash": place.hash}
    target = layout.snapshot(place.seq)
    temporary = target.with_name(target.name + ".tmp")
    fd = env.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        sha, at = hashlib.sha256(), 0
        for block in _blocks(header | {"state": state.schema}, state):
            sha.update(block)
            write_all(env, fd, block, at)
            at += len(block)
        write_all(env, fd, _end_line(place.seq, sha), at)
        env.fsync(fd)
    finally:
        env.close(fd)
    env.rename(temporary, target)
    env.sync_directory(layout.snapshots)


def _blocks(header: dict[str, Any], state: SnapshotState) -> Iterator[bytes]:
    """Lines in pieces of about a chunk, so that the memory does not grow with the state."""
    lines, size = [orjson.dumps(header)], 0
    for row in state.rows():
        lines.append(orjson.dumps(row))
        size += len(lines[-1])
        if size > limits.CHUNK_BYTES:
            yield b"\n".join([*lines, b""])
            lines, size = [], 0
    yield b"\n".join([*lines, b""])


def _end_line(seq: int, sha: "hashlib._Hash") -> bytes:
    return b'{"end":%d,"sha256":"%s"}\n' % (seq, sha.hexdigest().encode())

"""A copy of a journal while others write to it: everything up to one durable event, without taking the lock.

The durable mark is read first. Whatever lies before it never changes again, whoever writes or seals meanwhile, so
copying it needs no lock and stops nobody. The copy ends exactly there, has a mark of its own that proves its end, and
is a journal only once everything else of it is on the disk.
"""

import os
from pathlib import Path

import orjson

from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import EndUnknown, NotAJournal
from ledger.engine.event import Head
from ledger.engine.layout import Layout, read_facts, read_whole, write_new
from ledger.engine.mark import Mark, MarkFile
from ledger.engine.recovery import copy


def copy_journal(*, source: Path, target: Path, env: Env | None = None) -> Head:
    """Copy the durable part of the journal in ``source`` into the new directory ``target``, durably.

    The answer is the last event of the copy. Index files are left out: the next opening makes them. Raises NotAJournal
    (also when ``target`` is there), EndUnknown for a journal without a durable mark, OSError.
    """
    env = env or OsEnv()
    old, new = Layout(source.absolute()), Layout(target.absolute())
    read_facts(env, old)
    if env.exists(new.path):
        raise NotAJournal(path=new.path, reason="something is there already")
    mark = _mark_of(env, old)
    env.mkdir(new.segments)
    for first in _segments_until(env, old, mark):
        _copy_segment(env, old.segment(first), new.segment(first), mark.offset if first == mark.segment else None)
    write_new(env, new.manifest, _manifest_until(env, old, mark))
    _copy_quarantine(env, old, new)
    marks = MarkFile(env, new.durable, read_only=False)
    try:
        marks.reset(mark._replace(is_poisoned=False))
    finally:
        marks.close()
    env.symlink(f"{new.path.name}/segments/{new.segment(mark.segment).name}", new.shortcut)
    write_new(env, new.facts, read_whole(env, old.facts))
    env.sync_directory(new.path.parent)
    return Head(mark.seq, mark.digest.hex())


def _mark_of(env: Env, layout: Layout) -> Mark:
    marks = MarkFile(env, layout.durable, read_only=True)
    try:
        mark = marks.read()
    finally:
        marks.close()
    if mark is None:
        raise EndUnknown(path=layout.path)
    return mark


def _segments_until(env: Env, layout: Layout, mark: Mark) -> list[int]:
    names = [name.removesuffix(".jsonl") for name in env.names(layout.segments) if name.endswith(".jsonl")]
    return sorted(first for first in map(int, names) if first <= mark.segment)


def _copy_segment(env: Env, source: Path, target: Path, stop: int | None) -> None:
    """Up to ``stop``; a sealed one whole, read-only, with the padding that may still be behind it."""
    fd = env.open(source, os.O_RDONLY)
    try:
        copy(env, fd, 0, env.size(fd) if stop is None else stop, target)
    finally:
        env.close(fd)
    if stop is None:
        env.chmod(target, 0o440)


def _manifest_until(env: Env, layout: Layout, mark: Mark) -> bytes:
    """The whole lines about segments that the copy holds sealed."""
    if not env.exists(layout.manifest):
        return b""
    content = read_whole(env, layout.manifest)
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    return b"".join(line for line in lines if orjson.loads(line)["first"] < mark.segment)


def _copy_quarantine(env: Env, old: Layout, new: Layout) -> None:
    """What recovery ever cut off; it is no part of the history, and kept."""
    if not env.exists(old.quarantine):
        return
    env.mkdir(new.quarantine)
    for name in env.names(old.quarantine):
        fd = env.open(old.quarantine / name, os.O_RDONLY)
        try:
            copy(env, fd, 0, env.size(fd), new.quarantine / name)
        finally:
            env.close(fd)

"""What is made of a sealed segment beside the lock: no padding, read-only, index files, a line in the manifest.

Every step can be repeated, by whoever comes next: all of it is derived from the segment. Processes take turns by a
flock on the manifest, which is never held together with waiting for the journal's lock.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from ledger.engine import limits
from ledger.engine.codec import decode
from ledger.engine.env import Env
from ledger.engine.index import KeysFile, Offsets, Tables, write_keys, write_offsets
from ledger.engine.layout import Layout, drop, read_whole, write_all

_TAIL = 4096


class Sealer:
    """Makes and finds the files of sealed segments of one journal."""

    def __init__(self, env: Env, layout: Layout) -> None:
        self._env = env
        self._layout = layout
        self._manifest = -1

    def after_fork(self) -> None:
        """A sealing thread of the parent is not ours, and its lock must not live as long as we do."""
        if self._manifest >= 0:
            self._env.close(self._manifest)
            self._manifest = -1

    def finish(self, first: int, tables: Tables) -> None:
        """Everything for the segment from ``first`` with these tables. OSError if the disk refuses."""
        env, layout = self._env, self._layout
        end = tables.offsets[tables.count]
        manifest = self._manifest = env.open(layout.manifest, os.O_RDWR | os.O_CREAT)
        try:
            env.lock(manifest)
            self._strip(layout.segment(first), end)
            if not self._has_offsets(first):
                self._put_offsets(first, tables)
            last = first + tables.count - 1
            files = self.keys_files()
            if not any(keys.first <= first and last <= keys.last for keys in files):
                self._put_keys(first, last, [tables])
                self._merge()
            self._list(manifest, first, last, end)
        finally:
            self._manifest = -1
            env.unlock(manifest)
            env.close(manifest)

    def keys_files(self) -> tuple[KeysFile, ...]:
        """The valid .keys files, of overlapping ones the wider; damaged ones count as missing."""
        found: list[KeysFile] = []
        names = [name for name in self._env.names(self._layout.segments) if name.endswith(".keys")]
        for name in sorted(names, key=_width, reverse=True):
            first, last = _range_of(name)
            if any(keys.first <= first and last <= keys.last for keys in found):
                continue
            with suppress(OSError, ValueError):
                found.append(KeysFile(self._env, self._layout.segments / name))
        return tuple(sorted(found, key=lambda keys: keys.first))

    def is_indexed(self, first: int, files: tuple[KeysFile, ...]) -> bool:
        """Whether a segment needs no tables in memory any more."""
        try:
            last = first + Offsets(self._env, self._layout.offsets(first), first=first, is_checked=True).count - 1
        except (OSError, ValueError):
            return False
        return any(keys.first <= first and last <= keys.last for keys in files)

    def sound_segments(self, last: int) -> list[dict[str, Any]]:
        """The manifest's lines of the segments up to event ``last``, with which one of them ends, each compared with
        its file. ValueError if one is not listed, not indexed, or not what was sealed."""
        files, following, found = self.keys_files(), 1, []
        lines = {line["first"]: line for line in manifest_lines(self._env, self._layout)}
        while following <= last:
            line = lines.get(following)
            if line is None:
                raise ValueError(f"no segment that begins with event {following} is listed")
            path = self._layout.segment(following)
            if not self._is_as_listed(path, line) or not self.is_indexed(following, files):
                raise ValueError(f"{path.name} or its index is not what was sealed")
            found.append(line)
            following = line["last"] + 1
        if following != last + 1:
            raise ValueError("no segment ends there")
        return found

    def _is_as_listed(self, path: Path, line: dict[str, Any]) -> bool:
        """By the CRC-32; the first journals have lines without one."""
        crc = line.get("crc")
        return bool(crc_of_file(self._env, path) == crc if crc else sha256_of(self._env, path) == line["sha256"])

    def _strip(self, path: Path, end: int) -> None:
        fd = self._env.open(path, os.O_RDONLY)
        try:
            is_padded = self._env.size(fd) > end
        finally:
            self._env.close(fd)
        if is_padded:
            self._env.chmod(path, 0o640)
            fd = self._env.open(path, os.O_RDWR)
            try:
                self._env.truncate(fd, end)
                self._env.fsync(fd)
            finally:
                self._env.close(fd)
        self._env.chmod(path, 0o440)

    def _has_offsets(self, first: int) -> bool:
        try:
            Offsets(self._env, self._layout.offsets(first), first=first, is_checked=True)
        except (OSError, ValueError):
            return False
        return True

    def _put_offsets(self, first: int, tables: Tables) -> None:
        target = self._layout.offsets(first)
        temporary = target.with_name(target.name + ".tmp")
        write_offsets(self._env, temporary, first=first, tables=tables)
        self._env.rename(temporary, target)
        self._env.sync_directory(target.parent)

    def _put_keys(self, first: int, last: int, sources: list[Tables | KeysFile]) -> KeysFile:
        target = self._layout.keys(first, last)
        temporary = target.with_name(target.name + ".tmp")
        write_keys(self._env, temporary, first=first, last=last, sources=sources)
        self._env.rename(temporary, target)
        self._env.sync_directory(target.parent)
        return KeysFile(self._env, target)

    def _merge(self) -> None:
        """Files of about the same size become one, so that there are as few as a binary counter has digits."""
        files = list(self.keys_files())
        while len(files) > 1 and files[-2].key_count <= files[-1].key_count and files[-2].last + 1 == files[-1].first:
            older, newer = files[-2:]
            files[-2:] = [self._put_keys(older.first, newer.last, [older, newer])]
            for source in (older, newer):
                drop(self._env, self._layout.keys(source.first, source.last))

    def _list(self, manifest: int, first: int, last: int, end: int) -> None:
        """One line per sealed segment; a torn last line is overwritten."""
        env = self._env
        known = env.pread(manifest, env.size(manifest), 0)
        lines = known[: known.rfind(b"\n") + 1]
        if any(line.startswith(b'{"first":%d,' % first) for line in lines.splitlines()):
            return
        path = self._layout.segment(first)
        sealed = last_event(env, path, end)
        values = {
            "first": first,
            "last": last,
            "bytes": end,
            "sha256": sha256_of(env, path),
            "crc": crc_of_file(env, path),
            "head": sealed["hash"],
            "state": sealed["data"]["state"],
        }
        content = orjson.dumps(values) + b"\n"
        write_all(env, manifest, content, len(lines))
        env.truncate(manifest, len(lines) + len(content))
        env.fsync(manifest)
        if not lines:
            env.sync_directory(self._layout.path)


def last_event(env: Env, path: Path, end: int) -> dict[str, Any]:
    """The record that ends at byte ``end`` of a segment, as it stands there; ValueError if it is damaged."""
    fd = env.open(path, os.O_RDONLY)
    try:
        tail = env.pread(fd, min(end, _TAIL), max(end - _TAIL, 0))
    finally:
        env.close(fd)
    line = tail[:-1].rsplit(b"\n", 1)[-1]
    if decode(line) is None:
        raise ValueError(f"the last record of {path.name} is damaged")
    record: dict[str, Any] = orjson.loads(line)
    return record


def sha256_of(env: Env, path: Path) -> str:
    """SHA-256 of a whole file, 64 hex digits, in constant memory."""
    digest = hashlib.sha256()
    fd = env.open(path, os.O_RDONLY)
    try:
        for at in range(0, env.size(fd), limits.CHUNK_BYTES):
            digest.update(env.pread(fd, limits.CHUNK_BYTES, at))
    finally:
        env.close(fd)
    return digest.hexdigest()


def crc_of_file(env: Env, path: Path) -> str:
    """CRC-32 of a whole file, 8 hex digits: seven times faster than SHA-256, against rot and not against forgers."""
    fd = env.open(path, os.O_RDONLY)
    try:
        return f"{crc32(env.map(fd)):08x}"
    finally:
        env.close(fd)


def manifest_lines(env: Env, layout: Layout) -> list[dict[str, Any]]:
    """The manifest's lines that can be read; a damaged one is left out."""
    if not env.exists(layout.manifest):
        return []
    found = []
    for line in read_whole(env, layout.manifest).splitlines():
        with suppress(ValueError):
            found.append(orjson.loads(line))
    return found


def _range_of(name: str) -> tuple[int, int]:
    first, _, last = name.removesuffix(".keys").partition("-")
    return (int(first), int(last)) if first.isdigit() and last.isdigit() else (0, 0)


def _width(name: str) -> int:
    first, last = _range_of(name)
    return last - first

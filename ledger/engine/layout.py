"""The directory of a journal: names of its files, journal.json, and which file systems it may live on."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import orjson

from ledger.engine import limits
from ledger.engine.env import Env
from ledger.engine.errors import NotAJournal, UnsupportedFileSystem
from ledger.engine.times import text_of

FORMAT = "gatehouse-journal-1"

_NETWORK = {"9p", "afs", "beegfs", "ceph", "cifs", "davfs", "gfs2", "glusterfs", "lustre", "nfs", "nfs4", "ocfs2"}
_NETWORK |= {"coda", "ncpfs", "orangefs", "smb3", "smbfs", "vboxsf", "virtiofs"}


class Layout:
    """Paths of one journal. ``sealed``, ``opened`` and so on are names inside it that never change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = path / "journal.json"
        self.segments = path / "segments"
        self.manifest = path / "manifest.jsonl"
        self.durable = path / "durable"
        self.lock = path / "lock"
        self.snapshots = path / "snapshots"
        self.quarantine = path / "quarantine"
        self.poisoned = path / "POISONED"
        self.shortcut = path.parent / f"{path.name}.jsonl"

    def segment(self, first: int) -> Path:
        """The file of the segment whose first event is ``first``."""
        return self.segments / f"{first:020d}.jsonl"

    def offsets(self, first: int) -> Path:
        """The offsets of a sealed segment."""
        return self.segments / f"{first:020d}.idx"

    def snapshot(self, seq: int) -> Path:
        """The state behind event ``seq``."""
        return self.snapshots / f"{seq:020d}.json"

    def keys(self, first: int, last: int) -> Path:
        """The keys and stream versions of the sealed segments from event ``first`` to event ``last``."""
        return self.segments / f"{first:020d}-{last:020d}.keys"


class Facts(NamedTuple):
    """What journal.json says, once and for ever."""

    journal_id: str
    created: str
    segment_bytes: int


def read_facts(env: Env, layout: Layout) -> Facts:
    """Raises NotAJournal if journal.json is missing, damaged or of another format."""
    try:
        content = orjson.loads(read_whole(env, layout.facts))
        if content["format"] != FORMAT:
            raise NotAJournal(path=layout.path, reason=f"its format is {content['format']}")
        return Facts(str(content["journal_id"]), str(content["created"]), int(content["segment_bytes"]))
    except FileNotFoundError as error:
        raise NotAJournal(path=layout.path, reason="journal.json is missing") from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotAJournal(path=layout.path, reason="journal.json is damaged") from error


def create_facts(env: Env, layout: Layout, segment_bytes: int) -> Facts:
    """Write journal.json of a new journal, durably and all at once. The caller holds the lock."""
    if not limits.SEGMENT_BYTES_MIN <= segment_bytes <= limits.SEGMENT_BYTES_MAX:
        raise ValueError(f"segment_bytes must be {limits.SEGMENT_BYTES_MIN} to {limits.SEGMENT_BYTES_MAX}")
    facts = Facts(env.random_hex(16), text_of(env.wall_micros()), segment_bytes)
    content = {"format": FORMAT, "journal_id": facts.journal_id, "created": facts.created}
    sync_above(env, layout.path)
    write_new(env, layout.facts, orjson.dumps(content | {"segment_bytes": segment_bytes}) + b"\n")
    return facts


def sync_names(env: Env, layout: Layout) -> None:
    """Every name that leads to the newest segment: whoever gave one may have died, or failed, before it was durable."""
    env.sync_directory(layout.segments)
    env.sync_directory(layout.path)
    sync_above(env, layout.path)


def sync_above(env: Env, path: Path) -> None:
    """The names that lead to a new journal must last as long as it does; far above, they may not be ours to sync."""
    env.sync_directory(path.parent)
    for above in path.parent.parents:
        with suppress(OSError):
            env.sync_directory(above)


def check_file_system(env: Env, path: Path) -> str | None:
    """Refuse network and FUSE file systems; the answer is a warning for overlay, else None."""
    kind = file_system_of(env.mounts(), path)
    if kind in _NETWORK or kind.startswith("fuse"):
        raise UnsupportedFileSystem(path=path, kind=kind)
    if kind == "overlay":
        return "The journal is on an overlay file system: it disappears with the container."
    return None


def file_system_of(mounts: str, path: Path) -> str:
    """The type of the file system that ``path`` is on, from a mount table in the format of mountinfo."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split(" ")
        if not separator or len(fields) < 5:
            continue
        point = fields[4].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        is_inside = path == Path(point) or Path(point) in path.parents
        if is_inside and len(point) >= best:
            best, kind = len(point), right.split(" ")[0]
    return kind


def read_whole(env: Env, path: Path) -> bytes:
    """The content of a small file."""
    fd = env.open(path, os.O_RDONLY)
    try:
        return env.pread(fd, env.size(fd), 0)
    finally:
        env.close(fd)


def write_all(env: Env, fd: int, content: bytes, offset: int) -> None:
    """pwrite until everything is written: a signal or a full page cache may shorten a write."""
    written = env.pwrite(fd, content, offset)
    while written < len(content):
        count = env.pwrite(fd, content[written : written + limits.FILL_BYTES], offset + written)
        if count == 0:
            raise OSError(5, "nothing could be written")
        written += count


def write_new(env: Env, path: Path, content: bytes) -> None:
    """Put a whole file in place: temporary name, fsync, rename, fsync of the directory."""
    temporary = path.with_name(path.name + ".tmp")
    fd = env.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        write_all(env, fd, content, 0)
        env.fsync(fd)
    finally:
        env.close(fd)
    env.rename(temporary, path)
    env.sync_directory(path.parent)


def drop(env: Env, path: Path) -> None:
    """Remove a file that may be gone already."""
    with suppress(FileNotFoundError):
        env.unlink(path)

"""A disk in memory that forgets what real ones forget.

Until a file is synced, any subset of its changed sectors may reach the disk, each as it was at any moment since, and
so may its size; until a directory is synced, any subset of its changed names. A sync that fails leaves any subset too,
and what it lost stays lost: the system believes it written and a later sync does not repeat it.
"""

from __future__ import annotations

import errno
import os
import threading
from itertools import count
from pathlib import Path
from random import Random

SECTOR_BYTES = 512
_SHARES = (0.0, 0.1, 0.5, 0.5, 0.9, 1.0)


class File:
    """Content as processes see it, and what would be left of it after a power cut."""

    __slots__ = ("_lost", "_sizes", "_versions", "content", "durable", "holder", "mode")

    def __init__(self, durable: bytes = b"", mode: int = 0o644) -> None:
        self.content: bytes | bytearray = durable
        self.durable = durable
        self.mode = mode
        self.holder: int | None = None
        self._versions: dict[int, list[bytes]] = {}
        self._sizes: list[int] = []
        self._lost: set[int] = set()

    def _writable(self) -> bytearray:
        if isinstance(self.content, bytes):
            self.content = bytearray(self.content)
        return self.content

    def write(self, piece: bytes, offset: int) -> None:
        """Every sector touched keeps what it held before, for a power cut may bring that back."""
        content, end = self._writable(), offset + len(piece)
        if end > len(content):
            self._sizes.append(len(content))
            content.extend(bytes(max(offset - len(content), 0)))
        versions = self._versions
        for sector in range(offset // SECTOR_BYTES, -(-end // SECTOR_BYTES)):
            if sector in versions:
                start = sector * SECTOR_BYTES
                versions[sector].append(bytes(content[start : start + SECTOR_BYTES]))
            else:
                versions[sector] = []
        content[offset:end] = piece

    def resize(self, length: int) -> None:
        """Shorter or, with zeros, longer."""
        content = self._writable()
        self._sizes.append(len(content))
        del content[length:]
        content.extend(bytes(length - len(content)))

    def sync(self) -> None:
        """Everything is durable now, but for what an earlier failed sync lost."""
        if not self._versions and not self._sizes:
            return
        self._lost -= self._versions.keys()
        kept = bytearray(self.content)
        for sector in self._lost:
            start = sector * SECTOR_BYTES
            kept[start : start + SECTOR_BYTES] = self.durable[start : start + SECTOR_BYTES].ljust(
                len(kept[start : start + SECTOR_BYTES]), b"\0"
            )
        self._settle(bytes(kept))

    def sync_fails(self, chance: Random) -> None:
        """Any subset is durable, and the system forgets which."""
        self._lost |= self._versions.keys()
        self._settle(self.after_power_cut(chance))

    def _settle(self, durable: bytes) -> None:
        self.durable = durable
        self._versions.clear()
        self._sizes.clear()

    def after_power_cut(self, chance: Random) -> bytes:
        """What one power cut leaves."""
        if not self._versions and not self._sizes:
            return self.durable
        content, durable = self.content, self.durable
        size = chance.choice([len(durable), *self._sizes, len(content)]) if self._sizes else len(content)
        image = bytearray(durable[:size].ljust(size, b"\0"))
        share, random = chance.choice(_SHARES), chance.random
        for sector, older in self._versions.items():
            if random() >= share:
                continue
            start = sector * SECTOR_BYTES
            pick = chance.randrange(len(older) + 1) if older else 0
            piece = older[-pick] if pick else content[start : start + SECTOR_BYTES]
            if start < size:
                image[start : start + len(piece)] = piece
        return bytes(image[:size])

    @property
    def unsynced_sectors(self) -> list[int]:
        """The sectors that a power cut may take back, in order."""
        return sorted(self._versions)


class Directory:
    """Names of files, directories and symlinks (which are their targets' text)."""

    __slots__ = ("_changes", "_durable", "entries")

    def __init__(self) -> None:
        self.entries: dict[str, Node] = {}
        self._durable: dict[str, Node] = {}
        self._changes: list[dict[str, Node | None]] = []

    def change(self, change: dict[str, Node | None]) -> None:
        """Names that change together; None takes a name away."""
        self._changes.append(change)
        _apply(self.entries, change)

    def sync(self) -> None:
        """All names are durable now."""
        self._durable = dict(self.entries)
        self._changes.clear()

    def after_power_cut(self, chance: Random) -> dict[str, Node]:
        """The names that one power cut leaves: a subset of the changes, often their beginning, as journals do it."""
        left = dict(self._durable)
        if self._changes:
            share = chance.choice(_SHARES)
            for change in self._changes[: chance.randint(0, len(self._changes)) if share == 1.0 else None]:
                if share == 1.0 or chance.random() < share:
                    _apply(left, change)
        return left


Node = File | Directory | str


def _apply(entries: dict[str, Node], change: dict[str, Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


class SimDisk:
    """One file system. ``wall`` and ``steady`` are the machine's clocks in microseconds, ``chance`` its dice."""

    def __init__(self, *, seed: int = 0) -> None:
        self.chance = Random(seed)
        self.wall = 1_700_000_000_000_000
        self.steady = 0
        self.fds = count(100)
        self.freed = threading.Condition()
        self.size_bytes, self.free_bytes = 2**40, 2**39
        self._directories: dict[str, Directory] = {"/": Directory()}

    def directory(self, path: Path) -> Directory:
        """FileNotFoundError if there is none."""
        try:
            return self._directories[str(path)]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None

    def node(self, path: Path) -> Node | None:
        """What has this name, None if nothing has."""
        parent, _, name = str(path).rpartition("/")
        directory = self._directories.get(parent or "/")
        return directory.entries.get(name) if directory is not None else None

    def file(self, path: Path) -> File:
        """FileNotFoundError if there is none, IsADirectoryError if it is no file."""
        node = self.node(path)
        if isinstance(node, File):
            return node
        number = errno.ENOENT if node is None else errno.EISDIR
        raise OSError(number, os.strerror(number), str(path))

    def make_directory(self, path: Path) -> None:
        """With those above it, like mkdir -p."""
        for above in (*reversed(path.parents), path):
            if str(above) not in self._directories:
                made = self._directories[str(above)] = Directory()
                self.directory(above.parent).change({above.name: made})

    def files(self) -> dict[Path, File]:
        """Every file by its path; one with two names is there twice."""
        return {
            Path(path) / name: node
            for path, directory in self._directories.items()
            for name, node in directory.entries.items()
            if isinstance(node, File)
        }

    def after_power_cut(self, chance: Random) -> SimDisk:
        """The disk that one power cut leaves, as ``chance`` has it; this one stays as it is."""
        return self._copy(chance)

    def after_kill(self) -> SimDisk:
        """The disk as processes see it now, all of it durable: what a killed process leaves to the next."""
        return self._copy(None)

    def _copy(self, chance: Random | None) -> SimDisk:
        image = SimDisk.__new__(SimDisk)
        image.chance = chance if chance is not None else self.chance
        image.wall, image.steady = self.wall, self.steady
        image.fds = count(100)
        image.freed = threading.Condition()
        image.size_bytes, image.free_bytes = self.size_bytes, self.free_bytes
        image._directories = {}
        _copy_directory(self._directories["/"], "/", image._directories, {}, chance)
        return image

    def signature(self) -> int:
        """A number that two disks of the same names and bytes share."""
        return hash(
            frozenset((str(path), bytes(file.content)) for path, file in self.files().items()),
        )


def _copy_directory(
    old: Directory, path: str, known: dict[str, Directory], copies: dict[int, File], chance: Random | None
) -> Directory:
    """A directory of the image and all below it; ``copies`` keeps files with two names one file."""
    new = known[path] = Directory()
    entries = new.entries
    for name, node in (old.entries if chance is None else old.after_power_cut(chance)).items():
        if isinstance(node, File):
            copy = copies.get(id(node))
            if copy is None:
                content = bytes(node.content) if chance is None else node.after_power_cut(chance)
                copy = copies[id(node)] = File(content, node.mode)
            entries[name] = copy
        elif isinstance(node, Directory):
            entries[name] = _copy_directory(node, f"{path.rstrip('/')}/{name}", known, copies, chance)
        else:
            entries[name] = node
    new.sync()
    return new

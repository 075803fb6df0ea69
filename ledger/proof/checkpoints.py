"""Checkpoints: signed heads of a journal, kept beside its directory: an older copy of it does not bring older ones.

The text of the note is origin, size, root and time, a line each. The root is the hash of the last event: of a chain,
not of a tree, so the rest of the C2SP checkpoint format (proofs of inclusion) does not apply.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ledger.engine.env import Env, OsEnv
from ledger.engine.layout import drop, read_whole, write_new
from ledger.proof.errors import CheckpointMalformed
from ledger.proof.notes import Signer, TrustedKey, open_note, sign_note, text_of

ORIGIN = "gatehouse.example/journal/"
NEWEST_KEPT = 100

_SUFFIX = ".note"
_is_origin = re.compile(re.escape(ORIGIN) + "[0-9a-f]{32}").fullmatch
_is_size = re.compile("[1-9][0-9]{0,18}").fullmatch
_is_time = re.compile(r"time \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z").fullmatch


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """Event ``size`` of the journal had the hash ``root`` (64 hex digits); somebody signed that at ``at`` (UTC)."""

    journal_id: str
    size: int
    root: str
    at: str

    @property
    def origin(self) -> str:
        """What the checkpoint is about; it is the name under which it is signed, too."""
        return ORIGIN + self.journal_id

    @property
    def text(self) -> str:
        """What is signed."""
        root = base64.b64encode(bytes.fromhex(self.root)).decode()
        return f"{self.origin}\n{self.size}\n{root}\ntime {self.at}\n"


def signed(checkpoint: Checkpoint, *, signer: Signer) -> bytes:
    """The note of a checkpoint."""
    return sign_note(checkpoint.text, name=checkpoint.origin, signer=signer)


def read_checkpoint(content: bytes, *, keys: Sequence[TrustedKey]) -> Checkpoint:
    """The checkpoint in a note that one of ``keys`` signed. Raises a CheckpointRefused."""
    checkpoint = claimed_checkpoint(content)
    open_note(content, name=checkpoint.origin, keys=keys)
    return checkpoint


def claimed_checkpoint(content: bytes) -> Checkpoint:
    """What a note says, whoever signed it. Raises CheckpointMalformed."""
    lines = text_of(content).splitlines()
    if len(lines) < 4 or not _is_origin(lines[0]):
        raise CheckpointMalformed(field="origin")
    if not _is_size(lines[1]):
        raise CheckpointMalformed(field="size")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointMalformed(field="root") from error
    if len(root) != 32:
        raise CheckpointMalformed(field="root")
    if not _is_time(lines[3]):
        raise CheckpointMalformed(field="time")
    return Checkpoint(
        journal_id=lines[0].removeprefix(ORIGIN),
        size=int(lines[1]),
        root=root.hex(),
        at=lines[3].removeprefix("time "),
    )


def digest_of_note(note: bytes) -> str:
    """SHA-256 of a note, 64 hex digits: what people compare."""
    return hashlib.sha256(note).hexdigest()


class KeptCheckpoints:
    """The checkpoints of the journal in a directory: files in the directory of the same name with ``.checkpoints``.

    The newest 100 are kept, and of older ones the last of every day.
    """

    def __init__(self, journal: Path, env: Env | None = None) -> None:
        journal = journal.absolute()
        self.directory = journal.parent / f"{journal.name}.checkpoints"
        self._env = env or OsEnv()

    def sizes(self) -> list[int]:
        """The events they stand at, oldest first."""
        if not self._env.exists(self.directory):
            return []
        stems = [name.removesuffix(_SUFFIX) for name in self._env.names(self.directory) if name.endswith(_SUFFIX)]
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def path(self, size: int) -> Path:
        """The file of the checkpoint at this event."""
        return self.directory / f"{size:020d}{_SUFFIX}"

    def note(self, size: int) -> bytes:
        """The signed note at this event."""
        return read_whole(self._env, self.path(size))

    def newest(self) -> bytes | None:
        """The note of the newest one, None if there is none."""
        sizes = self.sizes()
        return self.note(sizes[-1]) if sizes else None

    def keep(self, checkpoint: Checkpoint, note: bytes) -> Path:
        """Put a note in place, durably, and drop the one that is too many."""
        self._env.mkdir(self.directory)
        path = self.path(checkpoint.size)
        write_new(self._env, path, note)
        sizes = self.sizes()
        if len(sizes) > NEWEST_KEPT:
            oldest, following = sizes[-NEWEST_KEPT - 1 : -NEWEST_KEPT + 1]
            if self._day(oldest) == self._day(following):
                drop(self._env, self.path(oldest))
        return path

    def copy_to(self, journal: Path) -> int:
        """Put a copy of each beside another journal directory, durably; returns how many there are."""
        sizes = self.sizes()
        other = KeptCheckpoints(journal, self._env)
        if sizes:
            self._env.mkdir(other.directory)
        for size in sizes:
            write_new(self._env, other.path(size), self.note(size))
        return len(sizes)

    def move_to(self, journal: Path) -> None:
        """Let all of them go along with their journal, which is another directory now."""
        if self._env.exists(self.directory):
            self._env.rename(self.directory, KeptCheckpoints(journal, self._env).directory)

    def _day(self, size: int) -> str | None:
        with suppress(CheckpointMalformed):
            return claimed_checkpoint(self.note(size)).at[:10]
        return None

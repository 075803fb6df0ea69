"""A journal held against its checkpoints: whether it still is the history that was signed, and if not, where not."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import LedgerError
from ledger.engine.event import Head
from ledger.engine.layout import Layout, read_facts
from ledger.engine.mark import Mark, MarkFile
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints, claimed_checkpoint, read_checkpoint
from ledger.proof.errors import CheckpointRefused, HistoryChanged, HistoryCut, OtherJournal
from ledger.proof.notes import TrustedKey
from ledger.proof.verification import Progress, Take, VerifyReport, verify


def differences(
    *, journal_id: str, report: VerifyReport, checkpoints: Collection[Checkpoint]
) -> list[HistoryCut | HistoryChanged | OtherJournal]:
    """What checkpoints say otherwise than a journal that was verified with their sizes as ``watched``.

    A history that was written anew differs from every checkpoint behind the change: the first is named, with the last
    one before it that still fits. Of those behind the end the newest is. What lies behind a break was not read.
    """
    found: list[HistoryCut | HistoryChanged | OtherJournal] = []
    cut: list[HistoryCut] = []
    fitting = 0
    for one in sorted(checkpoints, key=lambda checkpoint: checkpoint.size):
        here = report.hashes.get(one.size)
        if one.journal_id != journal_id:
            found.append(OtherJournal(found=one.journal_id, expected=journal_id))
        elif here == one.root:
            fitting = one.size
        elif here is not None:
            return [*found, HistoryChanged(size=one.size, at=one.at, after=fitting)]
        elif not report.chain_breaks:
            cut = [HistoryCut(last=report.head.seq, at=one.at, size=one.size)]
    return [*found, *cut]


def kept_checkpoints(
    kept: KeptCheckpoints, *, keys: Sequence[TrustedKey] | None
) -> tuple[list[Checkpoint], list[tuple[int, CheckpointRefused]]]:
    """Those that may be believed, and those that may not, by the event they claim. ``keys`` None believes all."""
    good: list[Checkpoint] = []
    bad: list[tuple[int, CheckpointRefused]] = []
    for size in kept.sizes():
        try:
            note = kept.note(size)
            good.append(claimed_checkpoint(note) if keys is None else read_checkpoint(note, keys=keys))
        except CheckpointRefused as refusal:
            bad.append((size, refusal))
    return good, bad


def difference_from(checkpoint: Checkpoint, *, journal_id: str, head: Head, found: str | None) -> LedgerError | None:
    """The same for one checkpoint and a journal that is open: ``found`` is the hash of its event ``size``."""
    if checkpoint.journal_id != journal_id:
        return OtherJournal(found=checkpoint.journal_id, expected=journal_id)
    if checkpoint.size > head.seq:
        return HistoryCut(last=head.seq, at=checkpoint.at, size=checkpoint.size)
    if found != checkpoint.root:
        return HistoryChanged(size=checkpoint.size, at=checkpoint.at, after=0)
    return None


class History(NamedTuple):
    """What a journal's files say, and what the checkpoints kept beside it say otherwise."""

    report: VerifyReport
    differences: tuple[LedgerError, ...]


def verify_history(*, path: Path, progress: Progress | None = None, take: Take | None = None) -> History:
    """Read the whole journal in ``path`` and hold it against its own checkpoints, whoever signed them.

    ``progress`` and ``take`` are as for ``verify``. Raises NotAJournal, OSError.
    """
    journal_id = read_facts(OsEnv(), Layout(path.absolute())).journal_id
    good, bad = kept_checkpoints(KeptCheckpoints(path), keys=None)
    own = [one for one in good if one.journal_id == journal_id]
    report = verify(path=path, progress=progress, take=take, watched={one.size for one in own})
    found = differences(journal_id=journal_id, report=report, checkpoints=own)
    return History(report, (*(refusal for _, refusal in bad), *found))


def durable_mark(*, path: Path, env: Env | None = None) -> Mark | None:
    """How far the journal in ``path`` is known to be durable; None where nothing proves it. Raises OSError."""
    marks = MarkFile(env or OsEnv(), Layout(path.absolute()).durable, read_only=True)
    try:
        return marks.read()
    finally:
        marks.close()


def durable_head(*, path: Path, env: Env | None = None) -> Head | None:
    """The last durable event of the journal in ``path`` by the mark alone, without reading it; None without a mark."""
    mark = durable_mark(path=path, env=env)
    return Head(mark.seq, mark.digest.hex()) if mark is not None else None

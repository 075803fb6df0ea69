"""How far the history of a journal is signed, and whether it still is what was signed: for every page that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from console.kernel.doors import explain
from console.kernel.errors import GatehouseError
from ledger import KeptCheckpoints, Ledger, LedgerError
from ledger.admin.journals import ChosenJournal
from ledger.keys import trusted_keys
from ledger.proof.checkpoints import Checkpoint, digest_of_note, read_checkpoint
from ledger.proof.errors import HistoryCut
from ledger.proof.history import difference_from


@dataclass(frozen=True, kw_only=True, slots=True)
class ProofLine:
    """The newest checkpoint of a journal; None where nothing was signed, or what was signed cannot be believed.

    digest: SHA-256 of its note, which people compare with a copy elsewhere. unsigned_count: events behind it. problem:
    why the journal is not the history that was signed, in the reader's language; empty if it is.
    """

    checkpoint: Checkpoint | None = None
    digest: str = ""
    unsigned_count: int = 0
    problem: str = ""

    @property
    def at(self) -> datetime | None:
        """When it was signed."""
        return datetime.fromisoformat(self.checkpoint.at) if self.checkpoint else None


def proof_line(journal: ChosenJournal, ledger: Ledger) -> ProofLine:
    """What the newest checkpoint says about the journal as it is now. Raises nothing: a page has to be able to say it.

    One record is read; `ledger verify` reads them all.
    """
    try:
        note = KeptCheckpoints(journal.path).newest()
        if note is None:
            return ProofLine(unsigned_count=ledger.head.seq)
        checkpoint = read_checkpoint(note, keys=trusted_keys())
        head = ledger.head
        found = ledger.journal.get(seq=checkpoint.size).hash if checkpoint.size <= head.seq else None
    except (LedgerError, GatehouseError) as problem:
        return ProofLine(problem=explain(problem))
    except OSError as problem:
        return ProofLine(problem=str(problem))
    status = ledger.status
    difference = difference_from(checkpoint, journal_id=status.journal_id, head=head, found=found)
    if status.reason and isinstance(difference, HistoryCut):
        difference = None  # behind damage nothing was read: where the verified part ends says nothing about the rest
    return ProofLine(
        checkpoint=checkpoint,
        digest=digest_of_note(note),
        unsigned_count=max(head.seq - checkpoint.size, 0),
        problem=explain(difference) if difference is not None else "",
    )

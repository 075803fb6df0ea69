"""`ledger verify`: read everything, change nothing, say whether it is what was written and what was signed."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext

from console.kernel import governance_journal
from ledger import LedgerError, Schemas
from ledger.credits.schemas import CREDIT_SCHEMAS
from ledger.doctor.examination import damages_beside
from ledger.engine.env import OsEnv
from ledger.engine.layout import Layout, read_facts
from ledger.keys import trusted_keys
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND, progress_bar, said
from ledger.management.verbs.common import add_journal, checkpoints_beside, journal_of, orders_after
from ledger.proof.checkpoints import Checkpoint, read_checkpoint
from ledger.proof.errors import OtherJournal
from ledger.proof.exports import is_export, verify_export
from ledger.proof.history import differences
from ledger.proof.notes import NOTE_BYTES_MAX, TrustedKey
from ledger.proof.processes import verify_in_processes
from ledger.proof.verification import VerifyReport
from ledger.translation import translated_values
from ledger.verifying.consequence import Consequence

HELP = (
    "Checks checksums, chain, order, seals, end and signed checkpoints of a journal. Damage of the live journal stops "
    "its orders. Exit 0 sound, 1 damaged."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal, and what else it is held against."""
    add_journal(parser)
    parser.add_argument(
        "--since", type=Path, action="append", default=[], metavar="CHECKPOINT", help="a copy of a checkpoint"
    )
    parser.add_argument("--key", type=Path, metavar="FILE", help="the public key (default: those of this installation)")


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Print what was read and where it is wrong."""
    path = journal_of(options)
    keys = trusted_keys(options["key"])
    given = [_given(one, keys) for one in options["since"]]
    if is_export(path):
        return _verify_export(out, path, keys, given)
    kept, distrusted = checkpoints_beside(path, keys)
    checkpoints = [*given, *kept]
    consequence = Consequence(path)
    with progress_bar(title=gettext("Verifying")) as progress:
        report = verify_in_processes(path=path, progress=progress, watched={one.size for one in checkpoints})
    _print(out, path, report)
    otherwise = _differences(path, report, checkpoints)
    wrong = [*(said(refusal) for _, refusal in distrusted), *_said(otherwise)]
    for line in wrong:
        out.write(line)
    out.write(_of_checkpoints(checkpoints))
    for remark in _remarks(path, report):
        out.write(remark)
    is_sound = report.is_sound and not wrong
    if not is_sound:
        out.write(gettext("`ledger doctor` says what happened, what is safe, and what can be done about it."))
    is_damaged = not report.is_sound or any(not isinstance(one, OtherJournal) for one in otherwise)
    for line in orders_after(consequence, is_damaged=is_damaged):
        out.write(line)
    out.write(gettext("sound") if is_sound else gettext("DAMAGED"))
    if not report.is_end_proven and not report.is_sealed and not checkpoints:
        out.write(_open_question(path))
    _refuse_unknown(report, governance_journal.SCHEMAS if governance_journal.is_governance(path) else CREDIT_SCHEMAS)
    return EXIT_SOUND if is_sound else EXIT_BROKEN


def _given(path: Path, keys: list[TrustedKey]) -> Checkpoint:
    with path.open("rb") as file:
        return read_checkpoint(file.read(NOTE_BYTES_MAX + 1), keys=keys)


def _verify_export(out: Any, path: Path, keys: list[TrustedKey], given: list[Checkpoint]) -> int:
    if not keys:
        raise CommandError(gettext("There is no public key here to check the signature with. Name one by --key."))
    with progress_bar(title=gettext("Verifying")) as progress:
        read = verify_export(path=path, keys=keys, progress=progress, watched={one.size for one in given})
    _print(out, path, read.report)
    wrong = _said(differences(journal_id=read.checkpoint.journal_id, report=read.report, checkpoints=given))
    for line in wrong:
        out.write(line)
    out.write(_of_checkpoints([read.checkpoint, *given]))
    is_sound = read.report.is_sound and not wrong
    out.write(gettext("sound") if is_sound else gettext("DAMAGED"))
    _refuse_unknown(read.report, CREDIT_SCHEMAS)
    return EXIT_SOUND if is_sound else EXIT_BROKEN


def _remarks(path: Path, report: VerifyReport) -> list[str]:
    """What lies around a journal and is derived from it: wrong, it costs time when the journal is opened, no event."""
    if path.is_file():
        return []
    layout = Layout(path.absolute())
    text = gettext("remark: %(what)s `ledger doctor` says what can be done.")
    poisoned = gettext("remark: the disk failed to confirm a write; nothing is written until an engineer recovers it.")
    remarks = [poisoned] if layout.poisoned.exists() else []
    beside = damages_beside(OsEnv(), layout, seq=report.head.seq) if report.is_sound else []
    return [*remarks, *(text % {"what": gettext(one.text) % translated_values(one.params, gettext)} for one in beside)]


def _refuse_unknown(report: VerifyReport, schemas: Schemas) -> None:
    """Whole to the last byte, and still not for this version to fold: the command says so and ends with an error."""
    unknown = schemas.first_unknown((name, schema, seq) for (name, schema), seq in report.kinds.items())
    if unknown is not None:
        raise unknown


def _print(out: Any, path: Path, report: VerifyReport) -> None:
    out.write(f"{path}: {report.events:,} events in {report.segments:,} segments, head {report.head.seq}")
    out.write(f"head hash {report.head.hash}")
    for problem in report.problems:
        out.write(
            f"{problem.what}: segment {problem.segment} line {problem.line} offset {problem.offset}: "
            f"expected {problem.expected}, found {problem.found}"
        )
    if report.torn_bytes:
        out.write(f"{report.torn_bytes:,} bytes at the end were never confirmed; recovery cuts them off.")


def _differences(path: Path, report: VerifyReport, checkpoints: list[Checkpoint]) -> list[LedgerError]:
    directory = path.parent.parent if path.is_file() else path
    if not checkpoints:
        return []
    journal_id = read_facts(OsEnv(), Layout(directory.absolute())).journal_id
    first = report.head.seq - report.events + 1
    within = [one for one in checkpoints if one.size >= first or not path.is_file()]
    return list(differences(journal_id=journal_id, report=report, checkpoints=within))


def _said(found: Iterable[LedgerError]) -> list[str]:
    name = gettext("checkpoint")
    return [f"{name}: {said(error)}" for error in found]


def _of_checkpoints(checkpoints: list[Checkpoint]) -> str:
    if not checkpoints:
        return gettext("no checkpoint was compared")
    newest = max(checkpoints, key=lambda one: one.size)
    return gettext("%(count)s checkpoints compared; the newest is of %(at)s, at event %(size)s") % {
        "count": f"{len(checkpoints):,}",
        "at": newest.at,
        "size": f"{newest.size:,}",
    }


def _open_question(path: Path) -> str:
    """What this reading could not answer; it stands last, so that nobody takes the exit code for more than it is."""
    if path.is_file():
        return gettext(
            "one question could not be answered: whether the tail was cut cannot be told from one segment alone. "
            "Verify the journal's directory, which holds the durable mark."
        )
    return gettext("one question could not be answered: whether the tail was cut, since there is no durable mark.")

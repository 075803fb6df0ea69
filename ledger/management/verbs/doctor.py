"""`ledger doctor`: how a journal is, what happened to it in plain words, what can be done, and doing that."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext

from console.kernel import governance_journal
from ledger import ApprovalState, Ledger, LedgerError, check_invariants, decimal_of
from ledger.doctor.examination import Diagnosis, examine
from ledger.doctor.kinds import DamageKind, Repair, RepairKind
from ledger.engine.env import OsEnv
from ledger.engine.journal import JournalStatus
from ledger.engine.layout import Layout, file_system_of
from ledger.keys import trusted_keys
from ledger.management.terminal import EXIT_BROKEN, EXIT_SOUND, progress_bar, said
from ledger.management.verbs.common import actor_of, add_person, journal_of, orders_after
from ledger.operations import repair_journal
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints
from ledger.proof.history import kept_checkpoints
from ledger.translation import translated, translated_values
from ledger.verifying.consequence import Consequence

_OTHER_HISTORY = frozenset({DamageKind.SHORTER_THAN_SIGNED, DamageKind.OTHER_THAN_SIGNED})
HELP = (
    "Says how a journal is: state, size, disk, what is damaged and why, and what can be done about it with what each "
    "would lose. With --repair KIND --yes it does that, and keeps a copy of every file first. Exit 0 normal, 1 look."
)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the journal and the repair."""
    parser.add_argument(
        "journal", nargs="?", type=Path, help="directory of a journal (default: the live ones, credits and governance)"
    )
    parser.add_argument("--repair", choices=[kind.value for kind in RepairKind], metavar="KIND", help="what to do")
    parser.add_argument("--yes", action="store_true", help="do it; without this it is only said what would be done")
    parser.add_argument("--reason", default="", help="why, for the journal and the audit trail; needed with --as")
    add_person(parser)


def run(*, out: Any, err: Any, options: dict[str, Any]) -> int:
    """Examine, print, and repair if that was asked for; then examine again. Where no journal is named, both live ones:
    that of credits, and behind it the one that follows the audit trail."""
    path = journal_of(options).absolute()
    if options["repair"] is not None:
        return _repair(out, path, options)
    code = _examine(out, path)
    if options["journal"] is None and governance_journal.directory().is_dir():
        out.write("")
        code = max(code, _examine(out, governance_journal.directory()))
    return code


def _examine(out: Any, path: Path) -> int:
    is_normal, _ = _told(out, path)
    return EXIT_SOUND if is_normal else EXIT_BROKEN


def _told(out: Any, path: Path) -> tuple[bool, Diagnosis]:
    checkpoints, consequence = _checkpoints(path), Consequence(path)
    with progress_bar(title=gettext("Examining")) as progress:
        diagnosis = examine(Layout(path), checkpoints=checkpoints, progress=progress)
    is_normal = _print_facts(out, path, diagnosis)
    _print_diagnosis(out, diagnosis)
    _print_orders(out, consequence, diagnosis)
    return is_normal, diagnosis


def _repair(out: Any, path: Path, options: dict[str, Any]) -> int:
    _, diagnosis = _told(out, path)
    kind = RepairKind(options["repair"])
    repair = diagnosis.offered(kind)
    if repair is not None and not options["yes"]:
        out.write(gettext("Nothing was changed. To do it, repeat the command with --yes."))
        return EXIT_BROKEN
    actor = actor_of(options)
    if actor is not None and not options["reason"]:
        raise CommandError(gettext("Say why with --reason."))
    checkpoints = _checkpoints(path)
    done = repair_journal(actor=actor, journal=path, kind=kind, reason=options["reason"], checkpoints=checkpoints)
    out.write(gettext("Done. Copies of all files that were touched are in %(path)s.") % {"path": done.kept})
    if done.unrecorded is not None:
        out.write(gettext("It is not recorded in the journal: %(reason)s") % {"reason": said(done.unrecorded)})
    return _after(out, path)


def _checkpoints(path: Path) -> list[Checkpoint]:
    """Those beside it that a key of this installation signed; where it has none all, as reason enough to look."""
    return kept_checkpoints(KeptCheckpoints(path), keys=trusted_keys() or None)[0]


def _after(out: Any, path: Path) -> int:
    """How it is now: what verify and check_invariants say."""
    consequence = Consequence(path)
    now = examine(Layout(path), checkpoints=_checkpoints(path))
    _print_diagnosis(out, now)
    _print_orders(out, consequence, now)
    lines = () if governance_journal.is_governance(path) else check_invariants(path).lines
    broken = [line for line in lines if line.is_held is False]
    for line in broken:
        out.write(f"{line.code}: {gettext(line.question)} {line.detail}")
    is_sound = now.report is not None and now.report.is_sound and not broken
    if is_sound:
        out.write(gettext("verify: sound; every invariant holds"))
    else:
        out.write(gettext("The journal still needs attention; what is left to do stands above."))
    return EXIT_SOUND if is_sound and not now.damages else EXIT_BROKEN


def _contents(path: Path) -> tuple[JournalStatus, dict[str, str]]:
    """How it is when it is opened for reading, and facts about what it holds. Raises LedgerError."""
    if governance_journal.is_governance(path):
        with closing(governance_journal.open_at(path, read_only=True)) as journal:
            count = journal.stream_version(governance_journal.STREAM)
            return journal.status, {gettext("entries of the trail"): f"{count:,}"}
    ledger = Ledger.open(path=path, read_only=True)
    try:
        accounts = ledger.accounts()
        pending = sum(1 for _ in ledger.approvals(state=ApprovalState.PENDING))
        breakers = ledger.open_breakers()
        return ledger.status, {
            gettext("accounts"): f"{len(accounts):,}, sum {decimal_of(sum(accounts.values()))}",
            gettext("approvals waiting"): f"{pending:,}",
            gettext("KARMA breakers open"): ", ".join(f"{name} ({why})" for name, why in breakers.items()) or "0",
        }
    finally:
        ledger.close()


def _print_diagnosis(out: Any, diagnosis: Diagnosis) -> None:
    if not diagnosis.damages:
        return
    for damage in diagnosis.damages:
        _print_line(out, gettext("what happened"), gettext(damage.text) % translated_values(damage.params, gettext))
    if diagnosis.damages[0].kind is not DamageKind.FACTS:
        text = gettext("Events 1 to %(seq)s are verified and can be read.") % {"seq": diagnosis.safe}
        _print_line(out, gettext("what is safe"), text)
    for repair in diagnosis.repairs:
        _print_repair(out, repair)


def _print_orders(out: Any, consequence: Consequence, diagnosis: Diagnosis) -> None:
    """Whether the live ledger takes orders after this reading."""
    is_sound = diagnosis.report is not None and diagnosis.report.is_sound
    is_damaged = not is_sound or any(damage.kind in _OTHER_HISTORY for damage in diagnosis.damages)
    for line in orders_after(consequence, is_damaged=is_damaged):
        _print_line(out, gettext("orders"), line)


def _print_repair(out: Any, repair: Repair) -> None:
    _print_line(out, gettext("what can be done"), f"ledger doctor --repair {repair.kind.value} --yes")
    _print_line(out, "", gettext(repair.does) % repair.params)
    _print_line(out, "", gettext("It loses: %(what)s") % {"what": gettext(repair.loses) % repair.params})


def _print_line(out: Any, name: str, fact: str) -> None:
    out.write(f"{name:24}{fact}")


def _print_facts(out: Any, path: Path, diagnosis: Diagnosis) -> bool:
    """Open for reading and print; what cannot be opened is said instead. Whether everything is normal."""
    layout = Layout(path)
    try:
        status, contents = _contents(path)
    except LedgerError as error:
        _print_line(out, gettext("journal"), str(path))
        needs_attention = gettext("needs attention")
        _print_line(out, gettext("state"), f"{needs_attention} {said(error)}")
        return False
    disk = shutil.disk_usage(path)
    kept = sorted(layout.quarantine.iterdir()) if layout.quarantine.is_dir() else []
    is_damaged = bool(diagnosis.damages) or bool(status.reason)
    state = gettext("needs attention") if is_damaged else gettext("normal")
    facts = {
        gettext("journal"): f"{path} ({status.journal_id})",
        gettext("state"): state if diagnosis.damages else f"{state} {translated(status.reason, gettext)}".strip(),
        gettext("head"): f"event {status.head.seq:,}, {status.head.hash}",
        gettext("segments"): f"{status.segments:,} of at most {status.segment_bytes:,} bytes",
        gettext("file system"): file_system_of(OsEnv().mounts(), path) or gettext("unknown"),
        gettext("disk"): f"{100 - 100 * disk.free / disk.total:.1f} % used, {disk.free:,} bytes free",
        **contents,
        gettext("cut off by recovery"): ", ".join(f"{item.name} ({item.stat().st_size:,} bytes)" for item in kept)
        or "0",
    }
    for name, fact in facts.items():
        _print_line(out, name, fact)
    for warning in status.warnings:
        _print_line(out, gettext("warning"), translated(warning, gettext))
    return not is_damaged and not status.warnings

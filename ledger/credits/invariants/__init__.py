"""Checking a journal against every invariant: a directory or one segment of ours, or a legacy JSONL file. No Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.credits.errors import UnreadableJournal
from ledger.credits.invariant_fold import Fold, key_fold
from ledger.credits.invariant_lines import Findings, InvariantReport, Said
from ledger.credits.invariant_scan import Place, Scanner
from ledger.credits.legacy_analysis import analyse
from ledger.credits.legacy_reading import LegacyRecord, require_plain_file
from ledger.engine.event import Event
from ledger.engine.limits import SEGMENT_BYTES_MAX
from ledger.engine.mark import SLOT_BYTES, Mark, unpack
from ledger.engine.messages import gettext_noop

_LEGACY_CODES = {
    "too-long": "records",
    "cut": "records",
    "not-json": "records",
    "not-a-record": "records",
    "unknown-type": "records",
    "duplicate-event": "keys",
    "duplicate-key": "keys",
    "unknown-cause": "causation",
    "out-of-order": "order",
    "not-finite": "finite",
    "not-positive": "positive",
    "unknown-entity": "created",
    "created-again": "created",
    "negative-balance": "negative",
    "balance-mismatch": "balance",
    "follows": "balance",
    "requested-twice": "approvals",
    "unknown-request": "approvals",
    "decided-twice": "approvals",
}
_LEGACY_FIELDS = {"schema_version": "schema", "correlation_id": "correlation", "causation_id": "causation"}

Progress = Callable[[int, int], None]


def check(path: Path, *, progress: Progress | None = None) -> InvariantReport:
    """Check a journal, whatever kind it is. Reads only. `progress` gets bytes done and bytes in all.

    UnreadableJournal when it is missing, empty, binary, too large, unreadable or no journal.
    """
    try:
        is_directory = path.is_dir()
        mark = _durable_mark(path)  # before the segments: it may name the first event of one that was just begun
        segments = sorted((path / "segments").glob("*.jsonl")) if is_directory else []
        is_journal = bool(segments) and (path / "journal.json").is_file()
    except OSError as error:
        raise UnreadableJournal(path=path, why=error.strerror or str(error)) from error
    if is_journal:
        return _check_ours(path, segments, mark=mark, is_directory=True, progress=progress)
    if is_directory:
        raise UnreadableJournal(path=path, why=gettext_noop("the directory holds no journal"))
    require_plain_file(path, bytes_max=SEGMENT_BYTES_MAX)
    if _is_ours(path):
        return _check_ours(path, [path], mark=None, is_directory=False, progress=progress)
    return _check_legacy(path)


def _check_ours(
    path: Path, segments: list[Path], *, mark: Mark | None, is_directory: bool, progress: Progress | None
) -> InvariantReport:
    findings = Findings()
    scanner = Scanner(findings, durable_seq=mark.seq if mark else None)
    fold: Fold | None = None
    last: Event | None = None
    try:
        for place, last in _events(scanner, segments, progress):
            if fold is None:
                fold = Fold(findings, is_from_start=scanner.first_seq == 1)
            fold.take(place, last)
        if fold is None:
            raise UnreadableJournal(path=path, why=gettext_noop("not one record in it can be read"))
        _report_keys(findings, fold.repeated_keys(), segments)
    except OSError as error:
        raise UnreadableJournal(path=path, why=error.strerror or str(error)) from error
    fold.finish()
    if is_directory and scanner.first_seq != 1:
        what = gettext_noop("the journal begins at event %(seq)s")
        findings.add("end", segments[0].name, what, seq=scanner.first_seq)
    _check_end(findings, scanner, mark=mark, is_directory=is_directory, last=last)
    kind = "journal" if is_directory else "segment"
    return InvariantReport(path=path, kind=kind, event_count=scanner.event_count, lines=findings.lines())


def _events(scanner: Scanner, segments: list[Path], progress: Progress | None) -> Iterator[tuple[Place, Event]]:
    total = sum(segment.stat().st_size for segment in segments)
    told = 0
    for segment in segments:
        for found in scanner.scan(segment):
            yield found
            if progress is not None and scanner.bytes_read != told:
                told = scanner.bytes_read
                progress(told, total)
    if progress is not None:
        progress(total, total)


def _report_keys(findings: Findings, repeated: set[int], segments: list[Path]) -> None:
    """Read again and name the events that share a key; equal hashes alone prove nothing."""
    if not repeated:
        return
    first_places: dict[str, Place] = {}
    for place, event in _events(Scanner(Findings(), durable_seq=None), segments, None):
        if event.key is None or key_fold(event.key) not in repeated:
            continue
        first = first_places.setdefault(event.key, place)
        if first != place:
            what = gettext_noop("the key %(key)s of %(place)s again")
            findings.add("keys", place.said, what, key=event.key, place=first.said)


def _check_end(
    findings: Findings, scanner: Scanner, *, mark: Mark | None, is_directory: bool, last: Event | None
) -> None:
    if not is_directory:
        is_sealed = last is not None and last.type == "segment.sealed"
        detail = gettext_noop("end not provable: one open segment has no durable mark")
        if is_sealed:
            detail = gettext_noop("the segment is sealed")
        findings.note("end", detail, is_held=True if is_sealed else None)
    elif mark is None:
        findings.note("end", gettext_noop("end not provable: the durable mark is missing or damaged"), is_held=None)
    elif scanner.seq < mark.seq:
        what = gettext_noop("event %(durable)s was durable, the last one here is %(last)s")
        findings.add("end", "durable", what, durable=mark.seq, last=scanner.seq)
    elif mark.seq and scanner.digest_at_durable != mark.digest:
        findings.add("end", "durable", gettext_noop("event %(seq)s is not the one that was durable"), seq=mark.seq)
    elif scanner.torn is not None:
        detail = gettext_noop("%(place)s: what no fsync confirmed is incomplete; recovery cuts it off")
        findings.note("end", detail, is_held=True, place=scanner.torn.said)
    else:
        findings.note("end", gettext_noop("durable to event %(seq)s"), is_held=True, seq=mark.seq)


def _check_legacy(path: Path) -> InvariantReport:
    analysis = analyse(path)
    findings = Findings()
    for problem in analysis.problems.values():
        code = _LEGACY_CODES[problem.code]
        if problem.code == "not-a-record":
            code = _LEGACY_FIELDS.get(str(problem.params.get("field")), code)
        where = Said.of(gettext_noop("line %(line)s"), line=problem.line)
        if problem.cause is None:
            findings.add(code, where, problem.message, **problem.params)
        else:
            fault = Said.of(problem.message, **problem.params)
            what = gettext_noop("%(fault)s (follows from line %(line)s)")
            findings.add(code, where, what, fault=fault, line=problem.cause)
    findings.note("chain", gettext_noop("a legacy journal has no chain"), is_held=None)
    findings.note("end", gettext_noop("end not provable: a legacy journal has no durable mark"), is_held=None)
    for code in ("zero_sum", "reward_cap", "read_models"):
        findings.note(code, gettext_noop("a legacy journal does not record it"), is_held=None)
    count = sum(isinstance(item, LegacyRecord) for item in analysis.items)
    return InvariantReport(path=path, kind="legacy", event_count=count, lines=findings.lines())


def _is_ours(path: Path) -> bool:
    """Whether the first line looks like a record of ours; a damaged one is recognised by its beginning."""
    with path.open("rb") as file:
        return file.read(4096).lstrip().startswith(b'{"seq":')


def _durable_mark(path: Path) -> Mark | None:
    """The newest valid slot of the file `durable`."""
    try:
        content = (path / "durable").read_bytes()
    except OSError:
        return None
    slots = (unpack(content[at : at + SLOT_BYTES]) for at in range(0, 2 * SLOT_BYTES, SLOT_BYTES))
    return max((slot for slot in slots if slot is not None), key=lambda slot: (slot.epoch, slot.seq), default=None)


def printed(report: InvariantReport, *, translate: Callable[[str], str] = str) -> Iterator[str]:
    """The report as lines of text, the questions in the language of `translate`."""
    yield f"{report.path}: {report.kind}, {report.event_count:,} events"
    for line in report.lines:
        word = {True: "holds", False: "BROKEN", None: "unknown"}[line.is_held]
        detail = "" if line.is_held is False or line.detail is None else f" ({line.detail})"
        count = f" {line.count:,} times" if line.count > 1 else ""
        yield f"{word:8}{line.code:12} {translate(line.question)}{count}{detail}"
        for place in line.where:
            yield f"          {place}"

"""Carrying out one repair: alone with the journal, with a copy of every file before it is touched.

The copies are in the directory of the same name with ``.repairs``, a directory for each repair, with a ``repair.json``
that says what was done. Afterwards the journal is opened for writing as ever, which makes again what is derived, and
the repair is recorded in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ledger.credits.ledger import Ledger
from ledger.credits.schemas import CREDIT_SCHEMAS
from ledger.doctor.errors import OtherRules, RepairNotOffered
from ledger.doctor.examination import (
    Diagnosis,
    Prefix,
    damaged_index_files,
    examine,
    facts_of_first_record,
    prefix_of,
    wrong_byte_at,
)
from ledger.doctor.exclusive import alone_with
from ledger.doctor.kinds import DamageKind, Repair, RepairKind
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import LedgerError
from ledger.engine.event import Command, NewEvent
from ledger.engine.flush import ENGINE_STREAM
from ledger.engine.journal import Journal
from ledger.engine.layout import FORMAT, Layout, drop, read_facts, read_whole, write_new
from ledger.engine.limits import SEGMENT_BYTES
from ledger.engine.mark import Mark, MarkFile
from ledger.engine.recovery import RECOVERED, copy
from ledger.engine.seal import manifest_lines
from ledger.engine.segment import fill_bytes
from ledger.engine.snapshot import snapshot_seqs
from ledger.engine.times import text_of
from ledger.proof.checkpoints import Checkpoint, KeptCheckpoints
from ledger.subscriptions.record import Records

_OWN_FAMILIES = frozenset({"segment", "journal", "clock"})


class Rules(NamedTuple):
    """What a journal is about: the families of its events, and how it is opened with the state they fold into."""

    families: frozenset[str]
    opening: Callable[[Path], Journal]


CREDITS = Rules(
    frozenset(name.partition(".")[0] for name in CREDIT_SCHEMAS.newest),
    lambda path: Ledger.open(path=path, from_snapshot=False).journal,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Repaired:
    """What was done: `kept` is the directory with the copies, `event` the seq of its record in the journal.

    `unrecorded` says why it could not be recorded, where it could not; the journal needs another repair then.
    """

    repair: Repair
    kept: Path
    event: int | None
    unrecorded: LedgerError | None


def carry_out(
    *,
    path: Path,
    kind: RepairKind,
    by: str,
    reason: str,
    checkpoints: Sequence[Checkpoint] = (),
    rules: Rules = CREDITS,
    env: Env | None = None,
) -> Repaired:
    """Mend what `kind` mends. `by` and `reason` are recorded in the journal, which is one of `rules`.

    Raises RepairNotOffered, JournalInUse, OtherRules, NotAJournal, OSError; nothing was changed then, but by an
    OSError in the middle, which leaves the copies.
    """
    env, layout = env or OsEnv(), Layout(path.absolute())
    with alone_with(layout):
        diagnosis = examine(layout, checkpoints=checkpoints, env=env)
        repair = diagnosis.offered(kind)
        if repair is None:
            offered = ", ".join(one.kind.value for one in diagnosis.repairs) or "-"
            raise RepairNotOffered(kind=kind.value, offered=offered)
        _require(rules, layout, diagnosis)
        kept = _Kept(env, layout, kind)
        _STEPS[kind](_Work(env, layout, kept, repair, diagnosis))
        kept.finish({"repair": kind.value, "by": by, "reason": reason, "found": repair.params})
    event, unrecorded = _record(layout, repair, kept.directory, rules, by=by, reason=reason)
    return Repaired(repair=repair, kept=kept.directory, event=event, unrecorded=unrecorded)


def _require(rules: Rules, layout: Layout, diagnosis: Diagnosis) -> None:
    """Opening it folds its events into the state of these rules, and a seal would record that one's digest."""
    known = rules.families | _OWN_FAMILIES
    kinds = diagnosis.report.kinds if diagnosis.report is not None else {}
    for name, _ in kinds:
        if name.partition(".")[0] not in known:
            raise OtherRules(path=layout.path, type=name)


def _record(
    layout: Layout, repair: Repair, kept: Path, rules: Rules, *, by: str, reason: str
) -> tuple[int | None, LedgerError | None]:
    values = {"cause": "repaired", "repair": repair.kind.value, "by": by, "reason": reason, "kept": kept.name}
    values |= {name: repair.params[name] for name in ("first", "last") if name in repair.params}
    event = NewEvent(stream=ENGINE_STREAM, type=RECOVERED, data=values)
    command = Command(
        key=f"repair:{kept.name}", fingerprint="0" * 32, actor=by, correlation=ENGINE_STREAM, decide=lambda: [event]
    )
    journal = rules.opening(layout.path)
    try:
        if repair.kind is RepairKind.RECOVER_POISONED:
            return journal.recover(reason=reason, actor=by).seq, None
        return journal.execute(command).events[0].seq, None
    except LedgerError as error:
        return None, error
    finally:
        journal.close()


class _Kept:
    """The copies of one repair."""

    def __init__(self, env: Env, layout: Layout, kind: RepairKind) -> None:
        self._env = env
        self._layout = layout
        moment = text_of(env.wall_micros()).replace(":", "").replace("-", "").replace(".", "")
        self.directory = layout.path.parent / f"{layout.path.name}.repairs" / f"{moment}-{kind.value}"
        self._names: list[str] = []

    def keep(self, path: Path) -> None:
        """A durable copy of a file, under the name it has beside or in the journal."""
        target = self.directory / path.relative_to(self._layout.path.parent)
        if not self._env.exists(path) or self._env.exists(target):
            return
        self._env.mkdir(target.parent)
        descriptor = self._env.open(path, 0)
        try:
            copy(self._env, descriptor, 0, self._env.size(descriptor), target)
        finally:
            self._env.close(descriptor)
        self._names.append(str(target.relative_to(self.directory)))

    def set_aside(self, paths: Iterable[Path]) -> None:
        """Keep all of them, then take them away."""
        found = [path for path in paths if self._env.exists(path)]
        for path in found:
            self.keep(path)
        for path in found:
            drop(self._env, path)
        for directory in {path.parent for path in found}:
            self._env.sync_directory(directory)

    def finish(self, values: dict[str, Any]) -> None:
        """Say what was done."""
        self._env.mkdir(self.directory)
        content = orjson.dumps({**values, "files": self._names}, option=orjson.OPT_INDENT_2)
        write_new(self._env, self.directory / "repair.json", content + b"\n")


class _Work:
    """What the steps of a repair need, and share."""

    def __init__(self, env: Env, layout: Layout, kept: _Kept, repair: Repair, diagnosis: Diagnosis) -> None:
        self.env, self.layout, self.kept = env, layout, kept
        self.repair, self.diagnosis = repair, diagnosis

    def prefix(self) -> Prefix:
        return prefix_of(self.env, self.layout, read_facts(self.env, self.layout))

    def set_mark(self, mark: Mark) -> None:
        marks = MarkFile(self.env, self.layout.durable, read_only=False)
        marks.reset(mark)
        marks.close()

    def epoch(self) -> int:
        """One more than any process has seen, so that whoever reads beside us reads everything again."""
        marks = MarkFile(self.env, self.layout.durable, read_only=True)
        mark = marks.read()
        marks.close()
        return 1 + (mark.epoch if mark is not None else 0)


def _restore_byte(work: _Work) -> None:
    prefix = work.prefix()
    wrong = wrong_byte_at(work.env, work.layout, prefix)
    assert wrong is not None
    assert prefix.problem is not None
    path = work.layout.segment(prefix.problem.segment)
    work.kept.keep(path)
    work.kept.keep(work.layout.durable)
    content, mode = bytearray(read_whole(work.env, path)), path.stat().st_mode
    content[wrong.offset] = wrong.written
    write_new(work.env, path, bytes(content))
    work.env.chmod(path, mode & 0o777)
    _seen_anew(work)


def _seen_anew(work: _Work) -> None:
    marks = MarkFile(work.env, work.layout.durable, read_only=True)
    mark = marks.read()
    marks.close()
    if mark is not None:
        work.set_mark(mark._replace(epoch=mark.epoch + 1))


def _recover_poisoned(work: _Work) -> None:
    """The engine does it when the journal is opened next, and keeps the old file in quarantine."""
    work.kept.keep(work.layout.poisoned)
    work.kept.keep(work.layout.durable)
    work.kept.keep(work.layout.segment(work.prefix().segment))


def _cut_torn_tail(work: _Work) -> None:
    """The engine does it when the journal is opened next, and keeps what it cuts in quarantine."""
    work.kept.keep(work.layout.durable)
    work.kept.keep(work.layout.segment(work.prefix().segment))


def _rebuild_facts(work: _Work) -> None:
    work.kept.keep(work.layout.facts)
    found = facts_of_first_record(work.env, work.layout)
    assert found is not None
    journal_id, created = found
    content = {"format": FORMAT, "journal_id": journal_id, "created": created, "segment_bytes": SEGMENT_BYTES}
    write_new(work.env, work.layout.facts, orjson.dumps(content) + b"\n")


def _rebuild_mark(work: _Work) -> None:
    """Where the last whole record ends, whatever was said before."""
    prefix = work.prefix()
    work.set_mark(Mark(prefix.seq, prefix.segment, prefix.end, prefix.digest, work.epoch()))


def _rebuild_kept_mark(work: _Work) -> None:
    work.kept.keep(work.layout.durable)
    _rebuild_mark(work)


def _rebuild_indexes(work: _Work) -> None:
    names = damaged_index_files(work.env, work.layout)
    work.kept.set_aside(work.layout.segments / name for name in names)


def _rebuild_manifest(work: _Work) -> None:
    work.kept.set_aside([work.layout.manifest])


def _drop_snapshots(work: _Work) -> None:
    wrong = [one.params["name"] for one in work.diagnosis.damages if one.kind is DamageKind.SNAPSHOT]
    work.kept.set_aside(work.layout.snapshots / name for name in wrong)


def _accept_history(work: _Work) -> None:
    _set_checkpoints_aside(work, behind=work.repair.params["seq"])


def _go_back(work: _Work) -> None:
    """Files behind the prefix first, the file it ends in last: breaking off in between leaves the same to be done."""
    prefix, layout = work.prefix(), work.layout
    work.kept.keep(layout.durable)
    work.kept.keep(layout.segment(prefix.segment))
    _keep_subscriptions(work, prefix)
    _set_checkpoints_aside(work, behind=prefix.seq)
    work.kept.set_aside(layout.snapshot(seq) for seq in snapshot_seqs(work.env, layout) if seq > prefix.seq)
    names = [name for name in work.env.names(layout.segments) if _reaches_behind(name, prefix)]
    work.kept.set_aside(layout.segments / name for name in sorted(names, reverse=True))
    lines = [line for line in manifest_lines(work.env, layout) if line["last"] <= prefix.seq]
    work.kept.keep(layout.manifest)
    write_new(work.env, layout.manifest, b"".join(orjson.dumps(line) + b"\n" for line in lines))
    if prefix.end:
        _end_segment(work, prefix)
    _rebuild_mark(work)


def _reaches_behind(name: str, prefix: Prefix) -> bool:
    """Segments, offsets and keys that hold anything behind the prefix; the file it ends in is cut instead."""
    stem, _, ending = name.partition(".")
    first, _, last = stem.partition("-")
    if ending == "keys":
        return int(last) > prefix.seq
    if not first.isdigit():
        return False
    begins = int(first)
    is_last = begins == prefix.segment
    return begins > prefix.seq or (is_last and (ending == "idx" or (ending == "jsonl" and not prefix.end)))


def _end_segment(work: _Work, prefix: Prefix) -> None:
    """The file as far as it is verified, on fresh blocks; filled again if it is to be written on."""
    path = work.layout.segment(prefix.segment)
    content = read_whole(work.env, path)[: prefix.end]
    line = content[:-1].rpartition(b"\n")[2]
    if b'"type":"segment.sealed"' not in line:
        step = fill_bytes(read_facts(work.env, work.layout).segment_bytes)
        content = content.ljust(-(-(prefix.end + 1) // step) * step, b"\n")
    write_new(work.env, path, content)


def _set_checkpoints_aside(work: _Work, *, behind: int) -> None:
    kept = KeptCheckpoints(work.layout.path, work.env)
    work.kept.set_aside(kept.path(size) for size in kept.sizes() if size > behind)


def _keep_subscriptions(work: _Work, prefix: Prefix) -> None:
    """Those that have delivered events behind the prefix. They refuse to go on until an operator resets them."""
    records = Records(env=work.env, journal=work.layout.path)
    for name in records.names():
        try:
            is_behind = records.read(name).position > prefix.seq
        except LedgerError:
            is_behind = True
        if is_behind:
            work.kept.keep(work.layout.path / "subscriptions" / f"{name}.json")


_STEPS: dict[RepairKind, Callable[[_Work], None]] = {
    RepairKind.RESTORE_BYTE: _restore_byte,
    RepairKind.RECOVER_POISONED: _recover_poisoned,
    RepairKind.CUT_TORN_TAIL: _cut_torn_tail,
    RepairKind.REBUILD_FACTS: _rebuild_facts,
    RepairKind.REBUILD_MARK: _rebuild_kept_mark,
    RepairKind.REBUILD_INDEXES: _rebuild_indexes,
    RepairKind.REBUILD_MANIFEST: _rebuild_manifest,
    RepairKind.DROP_SNAPSHOTS: _drop_snapshots,
    RepairKind.GO_BACK: _go_back,
    RepairKind.ACCEPT_HISTORY: _accept_history,
}

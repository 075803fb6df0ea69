"""Looking at a journal and saying what is wrong with it. Changes nothing, and needs no lock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.credits.state import CreditState
from ledger.doctor.kinds import Damage, DamageKind, Repair, RepairKind
from ledger.doctor.wrong_byte import WrongByte, find_wrong_byte
from ledger.engine.codec import TAIL_BYTES, decode
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import NotAJournal
from ledger.engine.layout import Facts, Layout, read_facts, read_whole
from ledger.engine.limits import RESUME_PERCENT
from ledger.engine.mark import SLOT_BYTES, Mark, MarkFile, unpack
from ledger.engine.recovery import is_corrupt, missing_end
from ledger.engine.seal import Sealer, manifest_lines
from ledger.engine.segment import full_error
from ledger.engine.store import Store
from ledger.engine.walk import Problem, written_end
from ledger.proof.checkpoints import Checkpoint
from ledger.proof.errors import HistoryChanged, HistoryCut
from ledger.proof.history import differences
from ledger.proof.snapshots import wrong_snapshots
from ledger.proof.verification import Progress, VerifyReport, verify

_BESIDE_SNAPSHOTS = frozenset(
    {DamageKind.DISK_FULL, DamageKind.POISONED, DamageKind.TORN, DamageKind.MARK, DamageKind.MARK_SLOT}
)
_LOOKS = 3
_BREAKING = frozenset({"chain", "end", "segment"})


class Prefix(NamedTuple):
    """Everything up to event ``seq`` is verified; it ends at byte ``end`` of the segment that begins with `segment`."""

    seq: int
    digest: bytes
    segment: int
    end: int
    problem: Problem | None
    is_torn: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What is wrong, what is safe (events up to `safe`), and what can be done, the mildest first."""

    damages: tuple[Damage, ...]
    repairs: tuple[Repair, ...]
    safe: int
    report: VerifyReport | None = None

    def offered(self, kind: RepairKind) -> Repair | None:
        """The repair of this kind, if the journal needs it."""
        return next((repair for repair in self.repairs if repair.kind is kind), None)


def examine(
    layout: Layout,
    *,
    checkpoints: Sequence[Checkpoint] = (),
    progress: Progress | None = None,
    report: VerifyReport | None = None,
    env: Env | None = None,
) -> Diagnosis:
    """Read everything, once if nothing is wrong. `checkpoints` are signed heads of this journal that may be believed;
    `progress` gets the bytes read and those in all. `report`: what `verify` found just now, watching the checkpoints.

    Raises NotAJournal where there are no segments either, OSError.
    """
    env = env or OsEnv()
    if not env.exists(layout.segments) or not _firsts(env, layout):
        raise NotAJournal(path=layout.path, reason="there are no segments")
    try:
        facts = read_facts(env, layout)
    except NotAJournal:
        found = facts_of_first_record(env, layout)
        repairs = (Repair(kind=RepairKind.REBUILD_FACTS),) if found is not None else ()
        return Diagnosis(damages=(Damage(kind=DamageKind.FACTS),), repairs=repairs, safe=0)
    if report is None:
        watched = {one.size for one in checkpoints if one.journal_id == facts.journal_id}
        report = verify(path=layout.path, watched=watched, progress=progress, env=env)
    return _Examination(env, layout, facts, checkpoints, report).diagnosis()


def prefix_of(env: Env, layout: Layout, facts: Facts) -> Prefix:
    """How far the records are verified, whole commits only, judged as opening the journal judges it."""
    store = Store(env=env, layout=layout, facts=facts, read_only=True)
    try:
        store.rewind(lambda first: False)
        store.finished = lambda first: store.index.sealing.clear()
        problem = store.advance(lambda events: None) or missing_end(store)
        segment = store.active
        return Prefix(
            seq=store.seq,
            digest=store.digest,
            segment=segment.first if segment is not None else 0,
            end=segment.end if segment is not None else 0,
            problem=problem,
            is_torn=problem is not None and not is_corrupt(store, problem),
        )
    finally:
        store.close()


def slots_of(env: Env, layout: Layout) -> tuple[list[Mark], bool]:
    """The marks in the valid slots of `durable`, and whether the other one should be there and is not.

    A journal of one event never wrote the second. Who writes meanwhile is given the time to end.
    """
    for _ in range(_LOOKS):
        content = read_whole(env, layout.durable) if env.exists(layout.durable) else b""
        found = [unpack(content[at : at + SLOT_BYTES]) for at in (0, SLOT_BYTES)]
        valid = [slot for slot in found if slot is not None]
        if len(valid) == len(found):
            break
    return valid, len(valid) == 1 and valid[0].seq > 1


def facts_of_first_record(env: Env, layout: Layout) -> tuple[str, str] | None:
    """(journal id, time of creation) as the first record says; None if it is damaged or missing."""
    path = layout.segment(1)
    if not env.exists(path):
        return None
    line = _read(env, layout, 1, 0, 4096).partition(b"\n")[0]
    event = decode(line)
    found = event.data.get("journal") if event is not None else None
    return (str(found), event.time) if event is not None and found else None


def wrong_byte_at(env: Env, layout: Layout, prefix: Prefix) -> WrongByte | None:
    """The byte that would mend the record behind the prefix, if one byte does it."""
    problem = prefix.problem
    if problem is None or not env.exists(layout.segment(problem.segment)):
        return None
    content = read_whole(env, layout.segment(problem.segment))
    digest = _digest_before(content, problem, prefix)
    return find_wrong_byte(content, offset=problem.offset, seq=problem.seq, digest=digest)


def _digest_before(content: bytes, problem: Problem, prefix: Prefix) -> bytes:
    """The prefix ends at a whole commit; the damaged record may stand further inside the next one."""
    if problem.seq == prefix.seq + 1 or not problem.offset:
        return prefix.digest
    tail = content[problem.offset - TAIL_BYTES - 1 : problem.offset]
    return bytes.fromhex(tail[9:73].decode())


def lost_seqs(env: Env, layout: Layout, prefix: Prefix) -> tuple[int, int]:
    """The first and the last event that going back to the prefix gives up, as far as anything still names them."""
    marks = MarkFile(env, layout.durable, read_only=True)
    mark = marks.read()
    marks.close()
    last = max(prefix.seq, mark.seq if mark is not None else 0)
    for first in _firsts(env, layout):
        if first > prefix.seq:
            last = max(last, first)
    newest = _firsts(env, layout)[-1]
    for line in read_whole(env, layout.segment(newest)).split(b"\n"):
        if line.endswith(b'"}') and (event := decode(line)) is not None:
            last = max(last, event.seq)
    return prefix.seq + 1, last


def damaged_index_files(env: Env, layout: Layout) -> list[str]:
    """Sealed segments in the manifest that have no valid index, by the names of the files that are wrong or missing."""
    sealer = Sealer(env, layout)
    files, found = sealer.keys_files(), []
    for line in manifest_lines(env, layout):
        if env.exists(layout.segment(line["first"])) and not sealer.is_indexed(line["first"], files):
            found.append(layout.offsets(line["first"]).name)
    valid = {layout.keys(keys.first, keys.last).name for keys in files}
    named = [name for name in env.names(layout.segments) if name.endswith(".keys")]
    return [*found, *sorted(name for name in named if name not in valid)]


def damages_beside(env: Env, layout: Layout, *, seq: int) -> list[Damage]:
    """What is wrong with files that a journal can do without, of one whose records are sound up to event `seq`."""
    derived = _wrong_indexes(env, layout) or _wrong_snapshots(env, layout)
    return [*wrong_mark(env, layout, seq=seq), *derived]


def wrong_mark(env: Env, layout: Layout, *, seq: int) -> list[Damage]:
    """That `durable`, or one of its two slots, is missing or damaged. Reads a few bytes."""
    slots, is_damaged = slots_of(env, layout)
    if not slots:
        return [Damage(kind=DamageKind.MARK, params={"seq": seq})]
    params = {"seq": seq, "proven": slots[0].seq}
    return [Damage(kind=DamageKind.MARK_SLOT, params=params)] if is_damaged else []


def _wrong_indexes(env: Env, layout: Layout) -> list[Damage]:
    names = damaged_index_files(env, layout)
    return [Damage(kind=DamageKind.INDEX, params={"names": ", ".join(names)})] if names else []


def _wrong_snapshots(env: Env, layout: Layout) -> list[Damage]:
    wrong = wrong_snapshots(env, layout, CreditState())
    return [Damage(kind=DamageKind.SNAPSHOT, params={"name": one.name, "reason": one.reason}) for one in wrong]


def _firsts(env: Env, layout: Layout) -> list[int]:
    names = (name.removesuffix(".jsonl") for name in env.names(layout.segments) if name.endswith(".jsonl"))
    return sorted(int(name) for name in names if name.isdigit())


def _read(env: Env, layout: Layout, first: int, start: int, length: int) -> bytes:
    fd = env.open(layout.segment(first), os.O_RDONLY)
    try:
        return env.pread(fd, length, start)
    finally:
        env.close(fd)


class _Examination:
    """Gathers damages and repairs of one journal."""

    def __init__(
        self, env: Env, layout: Layout, facts: Facts, checkpoints: Sequence[Checkpoint], report: VerifyReport
    ) -> None:
        self._env, self._layout, self._facts, self._report = env, layout, facts, report
        self._checkpoints = [one for one in checkpoints if one.journal_id == facts.journal_id]
        self._damages: list[Damage] = []
        self._repairs: dict[RepairKind, Repair] = {}

    def diagnosis(self) -> Diagnosis:
        report, prefix = self._report, self._prefix()
        self._disk()
        is_poisoned = self._poison(prefix)
        if prefix.problem is not None:
            self._end(prefix, is_poisoned=is_poisoned)
        self._mark(report)
        self._manifest(report)
        if prefix.problem is None or prefix.is_torn:
            self._derived()
        self._signed(report, prefix)
        repairs = tuple(self._repairs[kind] for kind in RepairKind if kind in self._repairs)
        return Diagnosis(damages=tuple(self._damages), repairs=repairs, safe=prefix.seq, report=report)

    def _prefix(self) -> Prefix:
        """All of it without reading it again, where every record is whole and the last one is known to be durable."""
        head, (slots, _) = self._report.head, slots_of(self._env, self._layout)
        is_broken = self._report.torn_bytes or any(one.what in _BREAKING for one in self._report.problems)
        if is_broken or head.seq not in {slot.seq for slot in slots}:
            return prefix_of(self._env, self._layout, self._facts)
        return Prefix(head.seq, bytes.fromhex(head.hash), 0, 0, problem=None, is_torn=False)

    def _add(self, damage: DamageKind, repair: RepairKind | None = None, **params: Any) -> None:
        self._damages.append(Damage(kind=damage, params=params))
        if repair is not None:
            self._offer(repair, **params)

    def _offer(self, repair: RepairKind, **params: Any) -> None:
        self._repairs.setdefault(repair, Repair(kind=repair, params=params))

    def _disk(self) -> None:
        full = full_error(self._env, self._layout, is_full=False)
        if full is not None:
            used, free = full.params["used_percent"], full.params["free_bytes"]
            self._add(DamageKind.DISK_FULL, used=used, free=free, resume=RESUME_PERCENT)

    def _poison(self, prefix: Prefix) -> bool:
        slots, _ = slots_of(self._env, self._layout)
        newest = max(slots, key=lambda slot: (slot.epoch, slot.seq), default=None)
        is_flagged = any(slot.is_poisoned for slot in slots)
        if not self._env.exists(self._layout.poisoned) and not is_flagged:
            return False
        reason = "an fsync failed"
        if self._env.exists(self._layout.poisoned):
            reason = read_whole(self._env, self._layout.poisoned).decode(errors="replace").strip() or reason
        seq = newest.seq if newest is not None else prefix.seq
        self._add(DamageKind.POISONED, RepairKind.RECOVER_POISONED, reason=reason, seq=seq)
        return True

    def _end(self, prefix: Prefix, *, is_poisoned: bool) -> None:
        problem = prefix.problem
        assert problem is not None
        path = self._layout.segment(problem.segment)
        where: dict[str, Any] = {
            "segment": path.name,
            "line": problem.line,
            "offset": problem.offset,
            "expected": problem.expected,
            "found": problem.found,
            "seq": problem.seq,
        }
        if prefix.is_torn:
            if not is_poisoned:
                self._add(DamageKind.TORN, RepairKind.CUT_TORN_TAIL, **where, bytes=self._torn_bytes(prefix))
            return
        first, last = lost_seqs(self._env, self._layout, prefix)
        if problem.found != "the end of the journal":
            self._add(DamageKind.CORRUPT, **where)
            wrong = wrong_byte_at(self._env, self._layout, prefix)
            if wrong is not None:
                found, written = f"{wrong.found:02x}", f"{wrong.written:02x}"
                self._offer(
                    RepairKind.RESTORE_BYTE, segment=path.name, offset=wrong.offset, found=found, written=written
                )
        elif _firsts(self._env, self._layout)[-1] > prefix.seq:
            self._add(DamageKind.MISSING_SEGMENT, segment=self._layout.segment(prefix.seq + 1).name, seq=prefix.seq + 1)
        else:
            self._add(DamageKind.CUT, **where, last=prefix.seq, durable=last)
        if prefix.seq:
            self._offer(RepairKind.GO_BACK, seq=prefix.seq, first=first, last=last, count=last - first + 1)

    def _torn_bytes(self, prefix: Prefix) -> int:
        fd = self._env.open(self._layout.segment(prefix.segment), os.O_RDONLY)
        try:
            return written_end(self._env, fd, prefix.end, self._env.size(fd)) - prefix.end
        finally:
            self._env.close(fd)

    def _mark(self, report: VerifyReport) -> None:
        for finding in report.problems:
            if finding.what == "mark":
                self._add(
                    DamageKind.REWRITTEN_MARK,
                    RepairKind.REBUILD_MARK,
                    seq=finding.seq,
                    expected=finding.expected,
                    found=finding.found,
                )
        if not report.chain_breaks:
            for damage in wrong_mark(self._env, self._layout, seq=report.head.seq):
                self._add(damage.kind, RepairKind.REBUILD_MARK, **damage.params)

    def _manifest(self, report: VerifyReport) -> None:
        if report.chain_breaks:
            return
        listed = {line["first"] for line in manifest_lines(self._env, self._layout)}
        missing = [first for first in _firsts(self._env, self._layout)[:-1] if first not in listed]
        if missing:
            names = ", ".join(self._layout.segment(first).name for first in missing)
            self._add(DamageKind.MANIFEST, RepairKind.REBUILD_MANIFEST, names=names)
        for finding in report.problems:
            if finding.what == "manifest":
                self._add(
                    DamageKind.MANIFEST_LINE,
                    RepairKind.REBUILD_MANIFEST,
                    segment=finding.segment,
                    expected=finding.expected,
                    found=finding.found,
                )

    def _derived(self) -> None:
        """Indexes are made from sound segments. A snapshot is held against segments, manifest and indexes: only where
        those are right is it at fault."""
        for damage in _wrong_indexes(self._env, self._layout):
            self._add(damage.kind, RepairKind.REBUILD_INDEXES, **damage.params)
        if any(damage.kind not in _BESIDE_SNAPSHOTS for damage in self._damages):
            return
        for damage in _wrong_snapshots(self._env, self._layout):
            self._add(damage.kind, RepairKind.DROP_SNAPSHOTS, **damage.params)

    def _signed(self, report: VerifyReport, prefix: Prefix) -> None:
        """Only of a journal that is whole in itself: behind a break nothing was read."""
        if prefix.problem is not None and not prefix.is_torn:
            return
        last = max((one.size for one in self._checkpoints), default=0)
        for error in differences(journal_id=self._facts.journal_id, report=report, checkpoints=self._checkpoints):
            fitting = max((one.size for one in self._checkpoints if report.hashes.get(one.size) == one.root), default=0)
            params: dict[str, Any] = {**error.params, "seq": fitting}
            if isinstance(error, HistoryCut):
                self._add(DamageKind.SHORTER_THAN_SIGNED, **params)
                self._offer(RepairKind.ACCEPT_HISTORY, seq=fitting, last=last)
            elif isinstance(error, HistoryChanged):
                self._add(DamageKind.OTHER_THAN_SIGNED, **params)
                self._offer(RepairKind.ACCEPT_HISTORY, seq=fitting, last=last)

"""Reading a whole journal to see whether it is what was written. Changes nothing, needs no lock, serves as evidence.

Each segment is read by itself, in this process or in others; what they say is then linked at their ends, and held
against the durable mark and the manifest.
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from ledger.engine.codec import ZERO_DIGEST
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import NotAJournal
from ledger.engine.event import Event, Head
from ledger.engine.layout import Layout, read_facts, read_whole
from ledger.engine.mark import Mark, MarkFile
from ledger.engine.seal import crc_of_file, sha256_of
from ledger.engine.segment import SEALED
from ledger.engine.walk import Problem, Walker, later_flush, shown_text, written_end

Progress = Callable[[int, int], None]
Take = Callable[[Event], None]
Kinds = dict[tuple[str, object], int]
Read = Callable[[Sequence["SegmentFile"]], Iterable["SegmentReading"]]

_PREVIOUS = b'"previous":"'


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong: ``what`` is chain, end, segment, manifest or mark. ``seq``: the first event in doubt."""

    what: str
    segment: str
    line: int
    offset: int
    expected: str
    found: str
    seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyReport:
    """What was read. ``torn_bytes``: an un-fsynced flush at the end, which recovery cuts; it is no problem.

    ``chain_breaks`` counts the segments whose chain of hashes breaks; nothing behind a break can be trusted.
    ``is_end_proven``: the durable mark was there, so a cut tail would have been seen. ``is_sealed``: the last record is
    a seal, behind which a segment has nothing to lose. ``hashes``: those of the events that were asked for, as far as
    they are there. ``kinds``: the first event of each (type, schema); what they mean is not judged here.
    """

    events: int
    head: Head
    segments: int
    chain_breaks: int
    problems: tuple[Finding, ...]
    torn_bytes: int
    is_end_proven: bool
    is_sealed: bool = False
    hashes: Mapping[int, str] = field(default_factory=dict)
    kinds: Mapping[tuple[str, object], int] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        return not self.problems


class SegmentFile(NamedTuple):
    """One segment to read: its file, its first event, and the events whose hashes are wanted.

    Behind event ``settled`` somebody may be writing while it is read; None where that is not known.
    """

    path: Path
    first: int
    watched: tuple[int, ...]
    settled: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentReading:
    """What one segment says by itself: ``events`` verified records in ``end`` bytes, up to event ``last`` with the hash
    ``head``, behind the hash ``previous`` that its first record names."""

    file: SegmentFile
    previous: str
    events: int
    last: int
    head: str
    end: int
    size: int
    sealed_state: str | None
    sha256: str | None
    crc: str | None
    hashes: dict[int, str]
    kinds: Kinds
    problem: Problem | None
    later_flush: int
    torn_bytes: int


def verify(
    *,
    path: Path,
    progress: Progress | None = None,
    take: Take | None = None,
    watched: Collection[int] = (),
    read: Read | None = None,
    env: Env | None = None,
) -> VerifyReport:
    """Check crc, chain and place of every record, the manifest and the durable mark of the journal in ``path``.

    ``path`` may also be a single segment file; then nothing proves its end. ``progress`` is told (bytes read, bytes in
    all); ``take`` gets every verified event; ``watched`` are the events whose hashes the report shall tell. ``read``
    reads the segments elsewhere, such as in other processes, and then stands in for both callables. Raises NotAJournal,
    OSError.
    """
    env, path = env or OsEnv(), path.absolute()
    is_file = path.is_file()
    layout = Layout(path.parent.parent if is_file else path)
    mark = None if is_file else _mark_of(env, layout)
    wanted = sorted({*watched, mark.seq} if mark is not None else watched)
    paths = [path] if is_file else _segment_paths(env, layout)
    firsts = [_first_of(one, is_alone=is_file) for one in paths]
    following = [*firsts[1:], 2**64] if firsts else []
    files = [
        SegmentFile(one, first, tuple(seq for seq in wanted if first <= seq < after), mark.seq if mark else None)
        for one, first, after in zip(paths, firsts, following, strict=True)
    ]
    listed = [] if is_file else list(_manifest_lines(env, layout))
    readings = list(read_all(env, files, progress=progress, take=take) if read is None else read(files))
    return _Judgement(layout, mark, listed, readings, is_alone=is_file).report()


def read_segment(env: Env, file: SegmentFile, *, progress: Callable[[int], None], take: Take | None) -> SegmentReading:
    """Verify one segment, seeded with the hash that its first record names. ``progress`` is told the bytes read."""
    path, first, watched, settled = file
    fd = env.open(path, os.O_RDONLY)
    try:
        size = env.size(fd)
        previous = ZERO_DIGEST if first == 1 else named_previous(env, fd)
        walker = Walker(env=env, fd=fd, segment=first, offset=0, seq=first - 1, digest=previous)
        hashes: dict[int, str] = {}
        kinds: Kinds = {}
        last: Event | None = None

        def read_on() -> Problem | None:
            nonlocal last
            for events, _ in walker.walk(size):
                start = events[0].seq
                hashes.update((seq, events[seq - start].hash) for seq in watched if start <= seq <= events[-1].seq)
                note_kinds(kinds, events)
                if take is not None:
                    for event in events:
                        take(event)
                progress(walker.offset)
                last = events[-1]
            return walker.problem

        problem, highest, torn_bytes = read_on(), 0, 0
        if problem is not None:
            highest = later_flush(env=env, fd=fd, start=problem.offset, stop=size)
            if settled is not None and problem.seq > settled:
                problem = _second_look(walker, problem, read_on)
        if problem is not None:
            torn_bytes = written_end(env, fd, problem.offset, size) - problem.offset
    finally:
        env.close(fd)
    is_sealed = last is not None and last.type == SEALED and problem is None
    return SegmentReading(
        file=file,
        previous=previous.hex(),
        events=walker.seq - first + 1,
        last=walker.seq,
        head=walker.digest.hex(),
        end=walker.offset,
        size=size,
        sealed_state=str(last.data.get("state")) if last is not None and is_sealed else None,
        sha256=sha256_of(env, path) if is_sealed and size == walker.offset else None,
        crc=crc_of_file(env, path) if is_sealed and size == walker.offset else None,
        hashes=hashes,
        kinds=kinds,
        problem=problem,
        later_flush=highest,
        torn_bytes=torn_bytes,
    )


def _second_look(walker: Walker, problem: Problem, read_on: Callable[[], Problem | None]) -> Problem | None:
    """Whether the record is still bad where somebody may have been writing it.

    It was whole before the next flush began. So it is whole now if one that came later was seen at the first look; and
    what is added behind it meanwhile is none of this reading.
    """
    walker.problem = None
    again = read_on()
    return again if walker.seq < problem.seq else None


def note_kinds(kinds: Kinds, events: list[Event]) -> None:
    """Remember the first event of each type and schema. What is no number in the place of a schema is kept as text."""
    for event in events:
        schema = event[5]
        kind = (str(event[4]), schema if schema.__class__ is int else repr(schema))
        if kind not in kinds:
            kinds[kind] = event[0]


def _mark_of(env: Env, layout: Layout) -> Mark | None:
    read_facts(env, layout)
    marks = MarkFile(env, layout.durable, read_only=True)
    mark = marks.read()
    marks.close()
    return mark


def _segment_paths(env: Env, layout: Layout) -> list[Path]:
    names = sorted(name for name in env.names(layout.segments) if name.endswith(".jsonl"))
    return [layout.segments / name for name in names]


def _manifest_lines(env: Env, layout: Layout) -> Iterator[dict[str, Any]]:
    """An empty one for each that cannot be read. A last line without newline is one that was not finished.

    It is read before the segments: whatever it lists was sealed by then.
    """
    known = read_whole(env, layout.manifest) if env.exists(layout.manifest) else b""
    for line in known[: known.rfind(b"\n") + 1].splitlines():
        try:
            values = orjson.loads(line)
        except ValueError:
            values = {}
        yield values if isinstance(values, dict) else {}


def _first_of(path: Path, *, is_alone: bool) -> int:
    if path.stem.isdigit():
        return int(path.stem)
    if is_alone:
        return 1
    raise NotAJournal(path=path, reason="its name is not that of a segment")


def named_previous(env: Env, fd: int) -> bytes:
    """The raw hash that the first record of an open segment says comes before it; zeros if it cannot be read."""
    line = env.pread(fd, 4096, 0)
    at = line.find(_PREVIOUS) + len(_PREVIOUS)
    try:
        return bytes.fromhex(line[at : at + 64].decode())
    except ValueError:
        return ZERO_DIGEST


def read_all(
    env: Env, files: Sequence[SegmentFile], *, progress: Progress | None, take: Take | None = None
) -> Iterator[SegmentReading]:
    """One segment after the other, in this process."""
    total, before = sum(file.path.stat().st_size for file in files), 0
    for file in files:

        def told(count: int, before: int = before) -> None:
            if progress is not None:
                progress(before + count, total)

        reading = read_segment(env, file, progress=told, take=take)
        before += reading.size
        told(0, before)
        yield reading


class _Judgement:
    """What the readings of all segments, in order, mean together."""

    def __init__(
        self,
        layout: Layout,
        mark: Mark | None,
        listed: list[dict[str, Any]],
        readings: list[SegmentReading],
        *,
        is_alone: bool,
    ) -> None:
        self._layout = layout
        self._mark = mark
        self._listed = listed
        self._readings = readings
        self._is_alone = is_alone
        self._problems: list[Finding] = []
        self._breaks = self._torn_bytes = 0

    def report(self) -> VerifyReport:
        before: SegmentReading | None = None
        for reading in self._readings:
            self._link(before, reading)
            self._judge(reading, is_last=reading is self._readings[-1])
            before = reading
        head = Head(before.last, before.head) if before is not None else Head(0, ZERO_DIGEST.hex())
        hashes = {seq: text for reading in self._readings for seq, text in reading.hashes.items()}
        kinds = {kind: seq for reading in reversed(self._readings) for kind, seq in reading.kinds.items()}
        if self._mark is not None:
            self._check_end(self._mark, head, hashes)
        self._check_manifest()
        return VerifyReport(
            events=sum(reading.events for reading in self._readings),
            head=head,
            segments=len(self._readings),
            chain_breaks=self._breaks,
            problems=tuple(self._problems),
            torn_bytes=self._torn_bytes,
            is_end_proven=self._mark is not None,
            is_sealed=before is not None and before.sealed_state is not None,
            hashes=hashes,
            kinds=kinds,
        )

    def _link(self, before: SegmentReading | None, reading: SegmentReading) -> None:
        """Each segment goes on where the one before it ends. Behind a break nobody can say where that is."""
        if self._is_alone or (before is not None and before.problem is not None):
            return
        path, first, *_ = reading.file
        seq, head = (before.last, before.head) if before is not None else (0, ZERO_DIGEST.hex())
        if first != seq + 1:
            self._report("segment", path, 0, 0, f"the segment of event {seq + 1}", path.name, seq + 1)
            self._breaks += 1
        elif reading.previous != head and (reading.problem is None or reading.problem.offset):
            self._report("chain", path, 1, 0, f"the previous hash {head}", reading.previous, first)
            self._breaks += 1

    def _judge(self, reading: SegmentReading, *, is_last: bool) -> None:
        """A torn flush at the very end is ordinary; anything else is damage."""
        path, problem = reading.file.path, reading.problem
        if problem is None:
            if not is_last and reading.sealed_state is None:
                self._report(
                    "end", path, reading.events, reading.end, "a sealed end", "the end of the file", reading.last + 1
                )
            return
        is_durable = self._mark is not None and problem.seq <= self._mark.seq
        if is_last and not is_durable and reading.later_flush <= problem.seq and problem.line > 1:
            self._torn_bytes = reading.torn_bytes
            return
        self._breaks += 1
        self._report("chain", path, problem.line, problem.offset, problem.expected, problem.found, problem.seq)

    def _check_end(self, mark: Mark, head: Head, hashes: Mapping[int, str]) -> None:
        if self._breaks:
            return
        path, seq = self._layout.segment(mark.segment), mark.seq
        found = hashes.get(seq, mark.digest.hex())
        if seq > head.seq:
            line = max(head.seq - mark.segment + 2, 0)
            self._report(
                "end", path, line, mark.offset, f"event {seq}", f"the end after event {head.seq}", head.seq + 1
            )
        elif found != mark.digest.hex():
            self._report("mark", path, seq - mark.segment + 1, mark.offset, mark.digest.hex(), found, seq)

    def _check_manifest(self) -> None:
        """Each line says what its sealed segment is. A segment may still lack its line, a line never its segment."""
        sealed = {reading.file.first: reading for reading in self._readings if reading.sealed_state is not None}
        for number, line in enumerate(self._listed, 1):
            first = line.get("first")
            reading = sealed.get(first) if isinstance(first, int) else None
            if reading is not None:
                self._compare(reading, line)
            elif not line or not self._breaks:
                found = shown_text(orjson.dumps(line)) if line else "a line that cannot be read"
                self._report("manifest", self._layout.manifest, number, 0, "a line about a sealed segment", found, 0)

    def _compare(self, reading: SegmentReading, line: dict[str, Any]) -> None:
        path = reading.file.path
        is_stripped = reading.sha256 is not None
        said = {
            "last": reading.last,
            "bytes": reading.end,
            "head": reading.head,
            "state": reading.sealed_state,
            "sha256": reading.sha256 if is_stripped else line.get("sha256"),
            "crc": reading.crc if is_stripped and "crc" in line else line.get("crc"),
        }
        for name, value in said.items():
            if line.get(name) != value:
                self._report("manifest", path, 0, 0, f"{name} {line.get(name)}", f"{name} {value}", reading.file.first)

    def _report(self, what: str, path: Path, line: int, offset: int, expected: str, found: str, seq: int) -> None:
        finding = Finding(
            what=what, segment=path.name, line=line, offset=offset, expected=expected, found=found, seq=seq
        )
        self._problems.append(finding)

"""Reading a whole journal to see whether it is what was written. Changes nothing, needs no lock, serves as evidence."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.engine.codec import ZERO_DIGEST
from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import NotAJournal
from ledger.engine.event import Event, Head
from ledger.engine.layout import Layout, read_facts
from ledger.engine.mark import Mark, MarkFile
from ledger.engine.seal import manifest_lines, sha256_of
from ledger.engine.segment import SEALED
from ledger.engine.walk import Problem, Walker, later_flush

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong: ``what`` is chain, end, segment, manifest or mark."""

    what: str
    segment: str
    line: int
    offset: int
    expected: str
    found: str


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyReport:
    """What was read. ``torn_bytes``: an un-fsynced flush at the end, which recovery cuts; it is no problem.

    ``chain_breaks`` counts the segments whose chain of hashes breaks; nothing behind a break can be trusted.
    ``is_end_proven``: the durable mark was there, so a cut tail would have been seen.
    """

    events: int
    head: Head
    segments: int
    chain_breaks: int
    problems: tuple[Finding, ...]
    torn_bytes: int
    is_end_proven: bool

    @property
    def is_sound(self) -> bool:
        return not self.problems


def verify(
    *, path: Path, progress: Progress | None = None, take: Callable[[Event], None] | None = None, env: Env | None = None
) -> VerifyReport:
    """Check crc, chain and place of every record, the manifest and the durable mark of the journal in ``path``.

    ``path`` may also be a single segment file; then nothing proves its end. ``progress`` is told (bytes read, bytes in
    all); ``take`` gets every verified event. Raises NotAJournal, OSError.
    """
    return _Verification(env or OsEnv(), path.absolute(), progress, take).run()


class _Verification:
    def __init__(self, env: Env, path: Path, progress: Progress | None, take: Callable[[Event], None] | None) -> None:
        self._env = env
        self._is_file = path.is_file()
        self._layout = Layout(path.parent.parent if self._is_file else path)
        self._path = path
        self._progress = progress
        self._take = take
        self._problems: list[Finding] = []
        self._sealed: dict[int, tuple[int, str, str]] = {}
        self._events = self._breaks = self._torn_bytes = self._read_bytes = 0
        self._seq, self._digest = 0, ZERO_DIGEST
        self._mark: Mark | None = None
        self._digest_at_mark: bytes | None = None

    def run(self) -> VerifyReport:
        paths = [self._path] if self._is_file else self._segments()
        if not self._is_file:
            self._read_mark()
        total = sum(path.stat().st_size for path in paths)
        for path in paths:
            self._check_segment(path, is_last=path == paths[-1], total=total)
        if not self._is_file:
            self._check_end()
            self._check_manifest()
        return VerifyReport(
            events=self._events,
            head=Head(self._seq, self._digest.hex()),
            segments=len(paths),
            chain_breaks=self._breaks,
            problems=tuple(self._problems),
            torn_bytes=self._torn_bytes,
            is_end_proven=self._mark is not None,
        )

    def _segments(self) -> list[Path]:
        read_facts(self._env, self._layout)
        names = sorted(name for name in self._env.names(self._layout.segments) if name.endswith(".jsonl"))
        return [self._layout.segments / name for name in names]

    def _read_mark(self) -> None:
        marks = MarkFile(self._env, self._layout.durable, read_only=True)
        self._mark = marks.read()
        marks.close()

    def _check_segment(self, path: Path, *, is_last: bool, total: int) -> None:
        first = self._first_of(path)
        if first != self._seq + 1:
            self._report("segment", path, self._seq + 1, 0, f"the segment of event {self._seq + 1}", path.name)
            self._breaks += 1
        fd = self._env.open(path, os.O_RDONLY)
        try:
            if first != self._seq + 1:
                self._seq, self._digest = first - 1, self._claimed_previous(fd)
            walker = Walker(env=self._env, fd=fd, segment=first, offset=0, seq=self._seq, digest=self._digest)
            size = self._env.size(fd)
            event = self._walk(walker, size, total)
            self._seq, self._digest = walker.seq, walker.digest
            if event is not None and event.type == SEALED:
                self._sealed[first] = (walker.offset, event.hash, str(event.data.get("state")))
            if walker.problem is not None:
                self._judge(path, fd, walker.problem, size, is_last)
            elif not is_last and (event is None or event.type != SEALED):
                self._report("end", path, walker.seq, walker.offset, "a sealed end", "the end of the file")
            self._read_bytes += size
            if self._progress is not None:
                self._progress(self._read_bytes, total)
        finally:
            self._env.close(fd)

    def _first_of(self, path: Path) -> int:
        if path.stem.isdigit():
            return int(path.stem)
        if self._is_file:
            return 1
        raise NotAJournal(path=path, reason="its name is not that of a segment")

    def _claimed_previous(self, fd: int) -> bytes:
        """Where a segment is missing before it, a segment is checked against the hash it names itself."""
        line = self._env.pread(fd, 4096, 0)
        at = line.find(b'"previous":"')
        try:
            return bytes.fromhex(line[at + 12 : at + 76].decode())
        except ValueError:
            return ZERO_DIGEST

    def _walk(self, walker: Walker, size: int, total: int) -> Event | None:
        last = None
        mark_seq = self._mark.seq if self._mark is not None else 0
        for events, _ in walker.walk(size):
            self._events += len(events)
            if events[0].seq <= mark_seq <= events[-1].seq:
                self._digest_at_mark = bytes.fromhex(events[mark_seq - events[0].seq].hash)
            if self._take is not None:
                for event in events:
                    self._take(event)
            if self._progress is not None:
                self._progress(self._read_bytes + walker.offset, total)
            last = events[-1]
        return last

    def _judge(self, path: Path, fd: int, problem: Problem, size: int, is_last: bool) -> None:
        """A torn flush at the very end is ordinary; anything else is damage."""
        is_durable = self._mark is not None and problem.seq <= self._mark.seq
        highest = later_flush(env=self._env, fd=fd, start=problem.offset, stop=size)
        if is_last and not is_durable and highest <= problem.seq and problem.line > 1:
            self._torn_bytes = len(self._env.pread(fd, size - problem.offset, problem.offset).strip(b"\n\0"))
            return
        self._breaks += 1
        self._report("chain", path, problem.line, problem.offset, problem.expected, problem.found)

    def _check_end(self) -> None:
        mark = self._mark
        if mark is None:
            return
        last = self._layout.segment(mark.segment)
        if mark.seq > self._seq and not self._breaks:
            line = self._seq - mark.segment + 2
            self._report("end", last, line, mark.offset, f"event {mark.seq}", f"the end after event {self._seq}")
        elif self._digest_at_mark not in (None, mark.digest) and not self._breaks:
            found = (self._digest_at_mark or b"").hex()
            self._report("mark", last, mark.seq - mark.segment + 1, mark.offset, mark.digest.hex(), found)

    def _check_manifest(self) -> None:
        lines: dict[Any, dict[str, Any]] = {line.get("first"): line for line in manifest_lines(self._env, self._layout)}
        for first, (end, head, state) in self._sealed.items():
            line = lines.get(first)
            path = self._layout.segment(first)
            if line is None:
                continue
            found: dict[str, object] = {
                "bytes": end,
                "head": head,
                "state": state,
                "sha256": sha256_of(self._env, path),
            }
            for name, value in found.items():
                is_padded = name == "sha256" and path.stat().st_size != end
                if line.get(name) != value and not is_padded:
                    self._report("manifest", path, 0, 0, f"{name} {line.get(name)}", f"{name} {value}")

    def _report(self, what: str, path: Path, line: int, offset: int, expected: str, found: str) -> None:
        self._problems.append(
            Finding(what=what, segment=path.name, line=line, offset=offset, expected=expected, found=found)
        )

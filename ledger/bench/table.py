"""Which rows there are, and measuring those that are asked for."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger.bench import appending, beside, keeping, reading
from ledger.bench.endurance import endure, many_events
from ledger.bench.peers import PEERS
from ledger.bench.row import BenchRow
from ledger.bench.stage import WHOLE, Sizes, Stage

Measure = Callable[[str, Stage], Iterator[BenchRow]]

ROWS: dict[str, Measure] = {
    "one thread": appending.one_thread,
    "8 threads": appending.threads(8, 1.5),
    "32 threads": appending.threads(32, 2.5),
    "128 threads": appending.threads(128, 2.5),
    "2 processes x 16 threads": appending.processes(2, 16, 2.0),
    "8 processes x 1 thread": appending.processes(8, 1, 0.55),
    "commands of 100 events": appending.batches(100, 150_000),
    "commands of 1000 events": appending.batches(1000, 200_000),
    "processor time per append": appending.processor_time,
    "memory while writing": keeping.memory_of_writing,
    "replay into all projections": reading.replay,
    "memory growth while replaying": keeping.memory_of_replay,
    "cold start": reading.cold_start,
    "one event": reading.single_reads,
    "range of 1000": reading.ranges,
    "delivery to a subscriber": reading.delivery,
    "index of keys": keeping.key_index,
}
"""What the design asks for, by name; each gives one row or several."""

PEER_ROWS: dict[str, Measure] = {
    **{f"beside {peer}, writing": beside.writing_beside(peer) for peer in PEERS},
    **{f"beside {peer}, reading": beside.reading_beside(peer) for peer in PEERS},
}


def run_bench(
    *, directory: Path, rows: Sequence[str] | None = None, with_peers: bool = False, sizes: Sizes = WHOLE
) -> Iterator[BenchRow]:
    """Measure the chosen ``rows`` (names of ROWS or PEER_ROWS) in temporary directories below ``directory``.

    Without ``rows`` all of ROWS, and those beside the peers if ``with_peers``. Raises KeyError for an unknown row.
    """
    names = rows if rows is not None else [*ROWS, *(PEER_ROWS if with_peers else ())]
    for name, measure in [(name, (ROWS | PEER_ROWS)[name]) for name in names]:
        with _home(directory) as home:
            stage = Stage(home, sizes)
            try:
                yield from measure(name, stage)
            finally:
                stage.close()
        gc.collect()


def run_endurance(
    *, directory: Path, minutes: float, say: Callable[[str], None], sizes: Sizes = WHOLE
) -> Iterator[BenchRow]:
    """The rows that take minutes; ``say`` is told how far it is."""
    with _home(directory) as home:
        yield from many_events(home, sizes=sizes, say=say)
    with _home(directory) as home:
        yield from endure(home, minutes=minutes, say=say)


@contextmanager
def _home(directory: Path) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="bench-", dir=directory))
    try:
        yield home
    finally:
        shutil.rmtree(home)

"""Verifying a journal in several processes: each reads whole segments, and what they say is linked here."""

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from ledger.engine.env import OsEnv
from ledger.proof.verification import (
    Progress,
    SegmentFile,
    SegmentReading,
    VerifyReport,
    read_all,
    read_segment,
    verify,
)

WORTH_IT_BYTES = 32 * 2**20
"""Below this, starting processes takes longer than reading."""

_PR_SET_PDEATHSIG = 1


def verify_in_processes(
    *,
    path: Path,
    progress: Progress | None = None,
    watched: Collection[int] = (),
    worth_it_bytes: int = WORTH_IT_BYTES,
) -> VerifyReport:
    """As ``verify``, on every processor this process may use. ``progress`` is told whole segments.

    Raises NotAJournal, OSError.
    """

    def read(files: Sequence[SegmentFile]) -> Iterator[SegmentReading]:
        count = min(len(os.sched_getaffinity(0)), len(files))
        sizes = {file.first: file.path.stat().st_size for file in files}
        total = sum(sizes.values())
        if count < 2 or total < worth_it_bytes:
            return read_all(OsEnv(), files, progress=progress)
        return _read_in_workers(files, sizes, progress, count)

    return verify(path=path, watched=watched, read=read)


def _read_in_workers(
    files: Sequence[SegmentFile], sizes: dict[int, int], progress: Progress | None, count: int
) -> Iterator[SegmentReading]:
    total, done = sum(sizes.values()), 0
    context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads hold
    with ProcessPoolExecutor(count, mp_context=context, initializer=die_with, initargs=(os.getpid(),)) as pool:
        with deaf_to_interrupts():
            futures = [pool.submit(_read, file) for file in files]
        try:
            for future in as_completed(futures):
                done += sizes[future.result().file.first]
                if progress is not None:
                    progress(done, total)
        except BrokenProcessPool as error:
            raise OSError("a process that verified segments was ended by something else") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return (future.result() for future in futures)


def _read(file: SegmentFile) -> SegmentReading:
    return read_segment(OsEnv(), file, progress=lambda count: None, take=None)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A worker that is started in here does not hear Ctrl-C on its way to `die_with` either."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def die_with(parent: int) -> None:
    """A worker whose parent was killed would wait for work for ever; Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)

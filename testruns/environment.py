"""Where a run happened: machine, Python, disk with its floor, and the build that was judged.

Everything is read or measured here and now; nothing is assumed, and what cannot be known is None with the reason
beside it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson
import psutil

from testruns.load import Histogram
from testruns.processes import ROOT

FLOOR_SLICE_SECONDS: Final = 0.5
FLOOR_SLICE_SECONDS_SHORT: Final = 0.15
"""For a run so short that the measuring itself would be felt."""
FLOOR_SLICES: Final = 3
FLOOR_RECORD_BYTES: Final = 448
"""About the size of one record of the journal."""
LIVE_JOURNAL: Final = "live_journal"
"""Where a run's environment says up to where the live journal had come: `seq` and `hash` of its last event."""
_FLOOR_FILE_BYTES: Final = 4 * 2**20
_GIT_TIMEOUT_SECONDS: Final = 20
_NO_BRANCH: Final = "HEAD"
"""What Git calls the branch of a tree that is on none."""
_NOT_SOURCE: Final = frozenset({".git", ".venv", "storage", ".static", ".static.new", "node_modules", "__pycache__"})


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskFloor:
    """The fastest this disk makes single writes durable: pwrite + fdatasync into preallocated space, one thread.

    A disk that is shared, or caches, is not equally fast from second to second, so it is measured in slices:
    `fsyncs_per_second` is the median of them, beside it the slowest and the fastest. Percentiles are of single fsyncs,
    over all slices.
    """

    fsyncs_per_second: int
    fsyncs_per_second_low: int
    fsyncs_per_second_high: int
    p50_us: int
    p95_us: int
    p99_us: int
    slices: int
    slice_ms: int
    record_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildIdentity:
    """What is judged: Git commit, whether the tree was clean, and a digest of every source file as it is on disk.

    `commit` is None and `problem` says why when there is no Git here; the digest exists always. `branch` is None
    without Git and when the tree is on no branch.
    """

    commit: str | None
    branch: str | None
    is_clean: bool
    tree_digest: str
    problem: str | None


def measure_disk_floor(*, directory: Path, slice_seconds: float = FLOOR_SLICE_SECONDS) -> DiskFloor:
    """Measure the floor on the file system of `directory`, in a file that is deleted again. Raises OSError."""
    path = directory / f".disk-floor-{os.getpid()}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    latencies = Histogram()
    try:
        os.pwrite(descriptor, b"\n" * _FLOOR_FILE_BYTES, 0)
        os.fsync(descriptor)
        rates = [_measure_slice(descriptor, latencies, seconds=slice_seconds) for _ in range(FLOOR_SLICES)]
    finally:
        os.close(descriptor)
        path.unlink()
    return floor_of(rates=rates, latencies=latencies, slice_seconds=slice_seconds)


def floor_of(*, rates: Sequence[int], latencies: Histogram, slice_seconds: float) -> DiskFloor:
    """The floor by the fsyncs per second of each slice and the latencies of them all."""
    return DiskFloor(
        fsyncs_per_second=int(median(rates)),
        fsyncs_per_second_low=min(rates),
        fsyncs_per_second_high=max(rates),
        p50_us=latencies.percentile_us(500_000),
        p95_us=latencies.percentile_us(950_000),
        p99_us=latencies.percentile_us(990_000),
        slices=len(rates),
        slice_ms=int(slice_seconds * 1000),
        record_bytes=FLOOR_RECORD_BYTES,
    )


def _measure_slice(descriptor: int, latencies: Histogram, *, seconds: float) -> int:
    """Write and sync for so long; adds to `latencies` and returns fsyncs per second."""
    record = os.urandom(FLOOR_RECORD_BYTES)
    count = offset = 0
    started = now = time.monotonic_ns()
    end = started + int(seconds * 1_000_000_000)
    while now < end:
        os.pwrite(descriptor, record, offset)
        os.fdatasync(descriptor)
        before, now = now, time.monotonic_ns()
        latencies.add((now - before) // 1000)
        count += 1
        offset = (offset + FLOOR_RECORD_BYTES) % (_FLOOR_FILE_BYTES - FLOOR_RECORD_BYTES)
    return count * 1_000_000_000 // (now - started)


def identify_build(*, root: Path = ROOT) -> BuildIdentity:
    """Identify the source tree at `root`. Clean means: Git knows every source file exactly as it is on disk."""
    try:
        commit = _git(root, "rev-parse", "HEAD").decode("ascii").strip()
        branch = _git(root, "rev-parse", "--abbrev-ref", "HEAD").decode("utf-8", "replace").strip()
        is_clean = not _git(root, "status", "--porcelain", "--untracked-files=normal").strip()
        listed = _git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.SubprocessError) as failure:
        digest = _digest_of_files(root, _walk(root))
        return BuildIdentity(commit=None, branch=None, is_clean=False, tree_digest=digest, problem=_reason(failure))
    return BuildIdentity(
        commit=commit,
        branch=None if branch == _NO_BRANCH else branch,
        is_clean=is_clean,
        tree_digest=_digest_of_files(root, names),
        problem=None,
    )


def _reason(failure: Exception) -> str:
    if isinstance(failure, subprocess.CalledProcessError):
        return bytes(failure.stderr or b"").decode("utf-8", "replace").strip().splitlines()[0]
    return str(failure)


def _git(root: Path, *arguments: str) -> bytes:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        check=True,
        capture_output=True,
        timeout=_GIT_TIMEOUT_SECONDS,
        env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
    )
    return done.stdout


def _walk(root: Path) -> list[str]:
    found: list[str] = []
    for directory, subdirectories, names in os.walk(root):
        subdirectories[:] = [name for name in subdirectories if name not in _NOT_SOURCE]
        found.extend(os.path.relpath(Path(directory) / name, root) for name in names if not name.endswith(".pyc"))
    return found


def _digest_of_files(root: Path, names: Iterable[str]) -> str:
    """SHA-256 over name and content digest of every file, by name; a file that is listed but gone counts as absent."""
    whole = hashlib.sha256()
    for name in sorted(set(names)):
        path = root / name
        if path.is_symlink():
            content = hashlib.sha256(os.fsencode(path.readlink())).hexdigest()
        elif path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            content = "absent"
        whole.update(f"{content}  {name}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


def read_environment(*, directory: Path, slice_seconds: float = FLOOR_SLICE_SECONDS) -> dict[str, Any]:
    """Machine, Python, disk of `directory` and its floor, as JSON values. Takes three slices and a little."""
    memory = psutil.virtual_memory()
    return {
        "machine": {
            "system": platform.platform(),
            "processor": _processor_name(),
            "cores": psutil.cpu_count() or 1,
            "memory_bytes": memory.total,
            "load_average": [f"{value:.2f}" for value in os.getloadavg()],
        },
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "orjson": orjson.__version__,
        },
        "disk": {
            **_file_system(directory),
            "free_bytes": psutil.disk_usage(str(directory)).free,
            "floor": asdict(measure_disk_floor(directory=directory, slice_seconds=slice_seconds)),
        },
    }


def _processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.lower().startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(directory: Path) -> dict[str, str]:
    """The mount that holds `directory`: the longest mount point that is one of its parents."""
    resolved = directory.resolve()
    around = {str(resolved), *(str(parent) for parent in resolved.parents)}
    mounts = [part for part in psutil.disk_partitions(all=True) if part.mountpoint in around]
    if not mounts:
        return {"file_system": "unknown", "options": ""}
    mount = max(mounts, key=lambda part: len(part.mountpoint))
    return {"file_system": mount.fstype, "options": mount.opts}

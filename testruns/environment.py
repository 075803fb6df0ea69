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
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import psutil

from testruns.load import Histogram
from testruns.processes import ROOT

FLOOR_SECONDS: Final = 0.5
FLOOR_RECORD_BYTES: Final = 448
"""About the size of one record of the journal."""
_FLOOR_FILE_BYTES: Final = 4 * 2**20
_GIT_TIMEOUT_SECONDS: Final = 20
_NO_BRANCH: Final = "HEAD"
"""What Git calls the branch of a tree that is on none."""
_NOT_SOURCE: Final = frozenset({".git", ".venv", "storage", ".static", "node_modules", "__pycache__"})


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskFloor:
    """The fastest this disk makes single writes durable: pwrite + fdatasync into preallocated space, one thread."""

    fsyncs_per_second: int
    p50_us: int
    p99_us: int
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


def measure_disk_floor(*, directory: Path, seconds: float = FLOOR_SECONDS) -> DiskFloor:
    """Measure the floor on the file system of `directory`, in a file that is deleted again. Raises OSError."""
    path = directory / f".disk-floor-{os.getpid()}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, b"\n" * _FLOOR_FILE_BYTES, 0)
        os.fsync(descriptor)
        return _measure_floor(descriptor, seconds=seconds)
    finally:
        os.close(descriptor)
        path.unlink()


def _measure_floor(descriptor: int, *, seconds: float) -> DiskFloor:
    record = os.urandom(FLOOR_RECORD_BYTES)
    latencies = Histogram()
    offset = 0
    started = now = time.monotonic_ns()
    end = started + int(seconds * 1_000_000_000)
    while now < end:
        os.pwrite(descriptor, record, offset)
        os.fdatasync(descriptor)
        before, now = now, time.monotonic_ns()
        latencies.add((now - before) // 1000)
        offset = (offset + FLOOR_RECORD_BYTES) % (_FLOOR_FILE_BYTES - FLOOR_RECORD_BYTES)
    return DiskFloor(
        fsyncs_per_second=latencies.count * 1_000_000_000 // (now - started),
        p50_us=latencies.percentile_us(500_000),
        p99_us=latencies.percentile_us(990_000),
        record_bytes=FLOOR_RECORD_BYTES,
    )


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


def read_environment(*, directory: Path, floor_seconds: float = FLOOR_SECONDS) -> dict[str, Any]:
    """Machine, Python, disk of `directory` and its floor, as JSON values. Takes `floor_seconds` and a little."""
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
            "floor": asdict(measure_disk_floor(directory=directory, seconds=floor_seconds)),
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

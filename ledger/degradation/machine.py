"""How much of the machine's memory is in use, by what the kernel says it could still give to programs."""

from __future__ import annotations

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")


def memory_of_machine() -> tuple[int, int]:
    """Bytes in all, and bytes available without swapping. Raises OSError, ValueError where there is no such account."""
    fields = dict(line.split(":", 1) for line in _MEMINFO.read_text(encoding="ascii").splitlines())
    try:
        total, available = (int(fields[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except KeyError as missing:
        raise ValueError(f"{_MEMINFO} has no {missing}") from missing
    return total, available

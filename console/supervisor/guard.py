"""Ends the supervisor's process groups after the supervisor was killed: a process of its own, standard library only.

It reads lines `+<group>` and `-<group>` from its standard input. When that ends, the supervisor is gone: groups that
have not ended by themselves within the grace (they have been told by signal and lifeline) are killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 6.0
POLL_SECONDS = 0.1


def is_alive(group: int) -> bool:
    """Whether the process group still has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def kill(group: int) -> None:
    """SIGKILL every member of the group; one that is gone is what was wanted."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def guard(lines: Iterable[str], *, grace_seconds: float = GRACE_SECONDS) -> None:
    """Follow the supervisor's groups until the lines end, then see that none of them lives on after the grace."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    deadline = time.monotonic() + grace_seconds
    while any(is_alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    for group in groups:
        kill(group)


if __name__ == "__main__":
    guard(sys.stdin)

"""What every scripted child needs: the plan from stdin, and lines to stdout."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from testruns.processes import die_with_parent


def begin() -> dict[str, Any]:
    """Bind to the parent, read the plan, say hello, make the directory."""
    die_with_parent()
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    Path(plan["directory"]).mkdir(parents=True)
    say(type="hello", pid=os.getpid(), scenario=plan["scenario"], python="3.11")
    return plan


def say(**message: Any) -> None:
    """One line of the protocol."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def measure(name: str, value: int | str, unit: str = "count") -> None:
    """One measurement."""
    say(type="measurement", name=name, value=value, unit=unit)


def done() -> None:
    """The last line."""
    say(type="done", journal={"seq": 3, "hash": "ab" * 32}, opened={"files": ["<run>/journal"], "sockets": []})

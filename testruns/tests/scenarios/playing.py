"""Plays a scenario in a child process as the runner does, with a ledger of the test's choice. Not part of the product.

`python -m testruns.tests.scenarios.playing OPENER` reads the runner's request from stdin and writes its messages.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from console.tests.waiting import PATIENT_SECONDS
from testruns import runner
from testruns.processes import die_with_parent, kill_group, start_bound_child
from testruns.scenarios.stage.context import PRODUCT_OPENER


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of playing a scenario."""

    exit_code: int
    messages: list[dict[str, Any]]
    stderr: str

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """All messages of a type, in order."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def measured(self) -> dict[str, Decimal]:
        """The measurements by name."""
        return {message["name"]: Decimal(message["value"]) for message in self.of_type("measurement")}


def request_for(scenario: str, directory: Path, **values: Any) -> dict[str, Any]:
    """What the runner is asked, small unless `values` say otherwise."""
    request: dict[str, Any] = {
        "run": 7,
        "execution": 12,
        "attempt": 1,
        "scenario": scenario,
        "concurrency": 10,
        "directory": str(directory),
        "seed": 42,
        "duration_seconds": 3,
        "warmup_seconds": 0,
        "retry_injection": True,
        "karma_available": False,
        "anomaly_injection": True,
        "offered_rate": 100,
    }
    assert set(request) == set(runner.REQUEST_FIELDS)
    return request | values


def play(request: dict[str, Any], *, opener: str = PRODUCT_OPENER, stderr_path: Path) -> Played:
    """Play a request to its end. `opener` names a function of `faults`, or the product's."""
    with playing(request, opener=opener, stderr_path=stderr_path) as child:
        output, _ = child.communicate(timeout=PATIENT_SECONDS)
        return Played(
            exit_code=child.returncode,
            messages=[orjson.loads(line) for line in output.splitlines()],
            stderr=stderr_path.read_text(encoding="utf-8"),
        )


@contextmanager
def playing(request: dict[str, Any], *, opener: str = PRODUCT_OPENER, stderr_path: Path) -> Iterator[Any]:
    """The process that plays a request; it and everything it started is gone when the block is left."""
    with stderr_path.open("wb") as stderr:
        child = start_bound_child(
            [sys.executable, "-m", "testruns.tests.scenarios.playing", opener], is_session=True, stderr=stderr
        )
    assert child.stdin is not None
    child.stdin.write(orjson.dumps(request) + b"\n")
    child.stdin.flush()
    try:
        yield child
    finally:
        kill_group(child)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def main() -> int:
    """The child: the runner's own way through a request, but for the opener."""
    die_with_parent()
    emit = runner.emitter()
    request = runner.read_request(sys.stdin.buffer.readline())
    context = runner.context_of(request, emit=emit)
    context.opener = sys.argv[1]
    runner.play(context)
    return 0


if __name__ == "__main__":
    sys.exit(main())

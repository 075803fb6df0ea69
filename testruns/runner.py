"""The child process of one scenario execution: a plan on stdin, JSON lines on stdout, exit 0 only when everything
was measured.

`python -m testruns.runner` reads one line of JSON (see REQUEST_FIELDS) and writes messages of type hello, progress,
sample, measurement and done. When the scenario fails, its traceback goes to stderr, there is no `done`, and the
exit code is 1. It dies with the process that started it, and its own children die with it.
"""

from __future__ import annotations

import os
import platform
import sys
import traceback
from pathlib import Path
from typing import Any, Final

import orjson

from testruns.processes import die_with_parent
from testruns.scenarios import SCENARIOS, Reporter, ScenarioContext
from testruns.scenarios.stage.context import Emit
from testruns.scenarios.stage.reading import read_head

LINE_BYTES_MAX: Final = 64 * 1024
REQUEST_BYTES_MAX: Final = 64 * 1024
REQUEST_FIELDS: Final[dict[str, type]] = {
    "run": int,
    "execution": int,
    "attempt": int,
    "scenario": str,
    "concurrency": int,
    "directory": str,
    "seed": int,
    "duration_seconds": int,
    "warmup_seconds": int,
    "retry_injection": bool,
    "karma_available": bool,
    "anomaly_injection": bool,
    "offered_rate": int,
}
_OPENED_NAMES_MAX: Final = 150
_NAME_LENGTH_MAX: Final = 180


class InvalidRequest(ValueError):
    """What came on stdin is no plan of one execution."""


def main() -> int:
    """Read the plan, run the scenario, report. Exit codes: 0 done, 1 the scenario failed, 2 the plan cannot be read."""
    die_with_parent()
    emit = emitter()
    try:
        request = read_request(sys.stdin.buffer.readline(REQUEST_BYTES_MAX))
    except InvalidRequest as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    try:
        play(context_of(request, emit=emit))
    except Exception:  # noqa: BLE001 - the traceback on stderr and the missing `done` are the message
        traceback.print_exc()
        return 1
    return 0


def play(context: ScenarioContext) -> None:
    """Run a scenario in its new, empty directory and emit everything from hello to done.

    Raises FileExistsError when the directory is not empty, and whatever the scenario fails with.
    """
    report = context.report
    report.hello(pid=os.getpid(), python=platform.python_version())
    _prepare(context.directory)
    context.scenario.run(context)
    head = read_head(context.journal)
    report.done(journal={"seq": head.seq, "hash": head.hash}, opened=_opened(context))


def context_of(request: dict[str, Any], *, emit: Emit) -> ScenarioContext:
    """The context a scenario gets for a request."""
    scenario = SCENARIOS[request["scenario"]]
    kept = {name: value for name, value in request.items() if name not in {"execution", "attempt"}}
    kept.update(scenario=scenario, directory=Path(request["directory"]), report=Reporter(scenario=scenario, emit=emit))
    return ScenarioContext(**kept)


def read_request(line: bytes) -> dict[str, Any]:
    """The plan in one line of JSON, each field there and of its type. Raises InvalidRequest."""
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError as problem:
        raise InvalidRequest(f"stdin is not one line of JSON: {problem}") from None
    if not isinstance(request, dict) or set(request) != set(REQUEST_FIELDS):
        raise InvalidRequest(f"a plan has exactly the fields {', '.join(REQUEST_FIELDS)}")
    for name, kind in REQUEST_FIELDS.items():
        if type(request[name]) is not kind:
            raise InvalidRequest(f"{name} must be {kind.__name__}, not {request[name]!r}")
    if request["scenario"] not in SCENARIOS:
        raise InvalidRequest(f"there is no scenario {request['scenario']!r}; there are {', '.join(SCENARIOS)}")
    if not Path(request["directory"]).is_absolute():
        raise InvalidRequest("directory must be an absolute path")
    return request


def _prepare(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty: an execution never works on what another one left")


def emitter() -> Emit:
    """Messages to what was stdout.

    Stdout itself becomes stderr, so that nothing printed by accident gets between them.
    """
    output = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def emit(message: dict[str, Any]) -> None:
        line = orjson.dumps(message) + b"\n"
        assert len(line) <= LINE_BYTES_MAX, f"a message of {len(line)} bytes"
        while line:
            line = line[os.write(output, line) :]

    return emit


def _opened(context: ScenarioContext) -> dict[str, list[str]]:
    if context.opened is None:
        return {"files": [], "sockets": []}
    return {
        kind: [name[:_NAME_LENGTH_MAX] for name in names[:_OPENED_NAMES_MAX]]
        for kind, names in context.opened.as_json().items()
    }


if __name__ == "__main__":
    sys.exit(main())

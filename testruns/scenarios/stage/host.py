"""A host: the process the ledger under test runs in, forked by its scenario, answering in JSON lines.

Its part opens the ledger, says "ready", waits for "go", works, tells its result and serves questions about the
ledger until the scenario says "end" or is gone. It dies with its parent.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import orjson

from testruns.scenarios.stage.caller import INSUFFICIENT, Caller
from testruns.scenarios.stage.opening import OpenLedger, named
from testruns.scenarios.stage.operations import ACKNOWLEDGEMENTS_SUFFIX, AcknowledgementList

if TYPE_CHECKING:
    from ledger import Ledger

FLUSH_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a host is started with; `opener` names the callable that opens the ledger under test."""

    name: str
    actor: str
    journal: Path
    directory: Path
    opener: str
    karma_url: str | None
    arguments: dict[str, Any]


class Host:
    """The child's side: what it was told, and how it answers."""

    def __init__(self, *, job: Job, stdin: BinaryIO, stdout: int) -> None:
        """`stdin` and `stdout` are the pipes from and to the parent."""
        self._stdin = stdin
        self._stdout = stdout
        self._lock = threading.Lock()
        self._open = cast(OpenLedger, named(job.opener))
        self.name = job.name
        self.actor = job.actor
        self.journal = job.journal
        self.directory = job.directory
        self.karma_url = job.karma_url
        self.arguments = job.arguments

    def open(self, *, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
        """Open the ledger under test. Raises LedgerError."""
        return self._open(path=self.journal, segment_bytes=segment_bytes, read_only=read_only)

    def tell(self, **message: Any) -> None:
        """Send one message to the parent."""
        line = orjson.dumps(message) + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._stdout, line) :]

    def wait_for(self, *words: str) -> dict[str, Any]:
        """Wait for the parent to send one of `words` and return the message.

        Raises SystemExit when the parent is gone or ends it.
        """
        message = self._next_message()
        if message["type"] == "end":
            raise SystemExit(0)
        if message["type"] not in words:
            raise ValueError(f"{self.name} waits for {' or '.join(words)}, got {message['type']}")
        return message

    def serve(self, ledger: Ledger) -> None:
        """Answer questions about the ledger until the parent has no more."""
        while (message := self._next_message())["type"] != "end":
            if message["type"] != "state":
                raise ValueError(f"{self.name} cannot answer {message['type']}")
            self.tell(type="state", digest=ledger.state_digest(), accounts=ledger.accounts())

    @contextmanager
    def caller(self, ledger: Ledger, *, right_refusals: frozenset[str] = frozenset({INSUFFICIENT})) -> Iterator[Caller]:
        """A caller on `ledger` whose counts reach the parent five times a second and at the end."""
        acknowledgements = AcknowledgementList(path=self.directory / f"{self.name}{ACKNOWLEDGEMENTS_SUFFIX}")
        caller = Caller(host=self, ledger=ledger, acknowledgements=acknowledgements, right_refusals=right_refusals)
        is_over = threading.Event()

        def flush_regularly() -> None:
            while not is_over.wait(FLUSH_SECONDS):
                caller.flush()

        flusher = threading.Thread(target=flush_regularly, name="flusher", daemon=True)
        flusher.start()
        try:
            yield caller
        finally:
            is_over.set()
            flusher.join()
            caller.flush()
            acknowledgements.close()

    def complain(self, text: str, failure: BaseException) -> None:
        """Write a failure that does not stop the host to stderr, which is kept as evidence."""
        lines = "".join(traceback.format_exception(failure))
        sys.stderr.write(f"[{self.name}] {text}\n{lines}")
        sys.stderr.flush()

    def _next_message(self) -> dict[str, Any]:
        line = self._stdin.readline()
        return cast(dict[str, Any], orjson.loads(line)) if line else {"type": "end"}


def serve(*, part: Callable[[Host], None], job: Job, stdin: int, stdout: int) -> int:
    """Run a part in this process; 1 with the traceback on stderr when it fails."""
    with os.fdopen(stdin, "rb") as orders_from_parent:
        host = Host(job=job, stdin=orders_from_parent, stdout=stdout)
        try:
            part(host)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the parent is told and stderr keeps the traceback
            host.complain("failed", failure)
            host.tell(type="failure", what=repr(failure)[:2000])
            return 1
    return 0

"""The scenario's side of its hosts: start them, hear them, and end them whatever happens."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final

import orjson

from testruns.processes import fork_bound_child
from testruns.scenarios.stage.context import ScenarioContext
from testruns.scenarios.stage.host import Host, Job, serve
from testruns.scenarios.stage.karma_host import karma_host

START_SECONDS_MAX: Final = 60.0
ANSWER_SECONDS_MAX: Final = 300.0
END_SECONDS_MAX: Final = 15.0
_READ_BYTES: Final = 1 << 16

Message = dict[str, Any]
Hear = Callable[["HostProcess", Message], None]


class HostDied(RuntimeError):
    """A host ended without the answer it owed."""


class HostProcess:
    """One host as its scenario sees it."""

    def __init__(self, *, part: Callable[[Host], None], job: Job) -> None:
        """Fork the process; its stderr is the scenario's, which is evidence."""
        self.name = job.name
        self._child = fork_bound_child(lambda stdin, stdout: serve(part=part, job=job, stdin=stdin, stdout=stdout))
        self._buffer = b""
        self.inbox: list[Message] = []
        self.is_over = False
        os.set_blocking(self._child.stdout, False)

    def fileno(self) -> int:
        """The pipe it answers on, for a selector."""
        return self._child.stdout

    def send(self, **message: Any) -> None:
        """Send one message; a host that died hears nothing, which shows when its answer is waited for."""
        line = orjson.dumps(message) + b"\n"
        # Its last words may still be in the other pipe; whoever waits for its answer meets the end of that after them.
        with suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._child.stdin, line) :]

    def read(self) -> None:
        """Take what is in the pipe into the inbox; the end of the pipe ends the host."""
        try:
            piece = os.read(self.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        if not piece:
            self.is_over = True
            return
        *lines, self._buffer = (self._buffer + piece).split(b"\n")
        self.inbox.extend(orjson.loads(line) for line in lines)

    def kill(self) -> None:
        """SIGKILL it and read what it had said before."""
        self._child.signal_kill()
        while not self.is_over:
            select.select([self], [], [], ANSWER_SECONDS_MAX)
            self.read()
        self._child.discard()

    def end(self) -> int:
        """Ask it to end and return its exit code. Raises HostDied when it cannot even end."""
        self.send(type="end")
        code = self._child.wait(timeout_seconds=END_SECONDS_MAX)
        if code is None:
            raise HostDied(f"host {self.name} did not end within {END_SECONDS_MAX:g} s")
        return code

    def discard(self) -> None:
        """End it without asking, when it still runs."""
        self._child.discard()


class Hosts:
    """The hosts of one scenario. Counts they send go to the reporter, everything else to who waits for it."""

    def __init__(self, context: ScenarioContext, *, karma_url: str | None) -> None:
        """No hosts yet; those to come ask KARMA at `karma_url`, or not at all."""
        self._context = context
        self._karma_url = karma_url
        self.members: list[HostProcess] = []

    def start(self, *, name: str, part: Callable[[Host], None], arguments: Mapping[str, Any]) -> HostProcess:
        """Start one host for `part`.

        Only outside of `ScenarioContext.load`, whose sampler is a thread (see processes).
        """
        context = self._context
        job = Job(
            name=name,
            actor=context.actor,
            journal=context.journal,
            directory=context.directory,
            opener=context.opener,
            karma_url=self._karma_url,
            arguments=dict(arguments),
        )
        member = HostProcess(part=part, job=job)
        self.members.append(member)
        return member

    def discard_all(self) -> None:
        """End every host that still runs, without asking."""
        for member in self.members:
            member.discard()

    def end_all(self) -> None:
        """Ask every host to end. Raises HostDied when one ends with an error."""
        for member in self.members:
            code = member.end()
            if code != 0:
                raise HostDied(f"host {member.name} ended with exit code {code}")

    def tell_all(self, **message: Any) -> None:
        """Send the same message to every host."""
        for member in self.members:
            member.send(**message)

    def await_all(
        self,
        word: str,
        *,
        members: Sequence[HostProcess] | None = None,
        seconds: float = ANSWER_SECONDS_MAX,
        hear: Hear | None = None,
        tick: Callable[[], None] | None = None,
    ) -> list[Message]:
        """One message of type `word` from each host, in their order.

        Messages of other types go to `hear`; `tick` is called whenever something came, counts five times a second.
        Raises HostDied when a host ends or fails first, or answers too late.
        """
        waited = list(self.members if members is None else members)
        answers: dict[str, Message] = {}
        deadline = time.monotonic() + seconds
        while True:
            for member in waited:
                self._sort(member, word, answers, hear)
            missing = [member for member in waited if member.name not in answers]
            if not missing:
                return [answers[member.name] for member in waited]
            for member in missing:
                if member.is_over:
                    raise HostDied(f"host {member.name} ended without telling its {word}")
            if time.monotonic() > deadline:
                raise HostDied(f"host {missing[0].name} did not tell its {word} within {seconds:g} s")
            if tick is not None:
                tick()
            self._wait(missing, deadline - time.monotonic())

    def hear_until(
        self,
        member: HostProcess,
        *,
        hear: Hear,
        is_enough: Callable[[], bool],
        seconds: float = ANSWER_SECONDS_MAX,
    ) -> None:
        """Hand a host's messages to `hear` until that is enough. Raises HostDied when the host ends or is too slow."""
        deadline = time.monotonic() + seconds
        while not is_enough():
            self.hear_rest(member, hear=hear)
            if is_enough():
                return
            if member.is_over or time.monotonic() > deadline:
                raise HostDied(f"host {member.name} stopped before it had said enough")
            self._wait([member], deadline - time.monotonic())

    def hear_rest(self, member: HostProcess, *, hear: Hear) -> None:
        """Hand everything a host has said so far to `hear`, counts excepted."""
        self._sort(member, "", {}, hear)

    def _sort(self, member: HostProcess, word: str, answers: dict[str, Message], hear: Hear | None) -> None:
        while member.inbox and member.name not in answers:
            message = member.inbox.pop(0)
            if message["type"] == "failure":
                raise HostDied(f"host {member.name} failed: {message['what']}")
            if message["type"] == "counts":
                self.count(message)
            elif message["type"] == word:
                answers[member.name] = message
            elif hear is not None:
                hear(member, message)
            else:
                raise ValueError(f"host {member.name} told {message['type']} instead of {word}")

    def count(self, message: Message) -> None:
        """Add the counts and latencies of a message to the reporter's."""
        counts = {name: message.get(name, 0) for name in ("operations", "refused", "errors")}
        self._context.report.count(**counts)
        self._context.report.add_latencies(message["latencies"], max_us=message["max_us"])

    @staticmethod
    def _wait(members: Sequence[HostProcess], seconds: float) -> None:
        ready, _, _ = select.select(members, [], [], max(0.0, seconds))
        for member in ready:
            member.read()


@contextmanager
def hosts_of(context: ScenarioContext, *, karma_url: str | None = None) -> Iterator[Hosts]:
    """Hosts that are gone when the block is left, however it is left.

    They ask KARMA at `karma_url`; without one, at an endpoint of their own when the plan has KARMA available.
    """
    with ExitStack() as until_left:
        if karma_url is None and context.karma_available:
            karma_url = until_left.enter_context(karma_host()).url
        hosts = Hosts(context, karma_url=karma_url)
        until_left.callback(hosts.discard_all)
        yield hosts

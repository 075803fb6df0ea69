"""crash_replay: the ledger's process is killed at its work, again and again, and must not have lost a promise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from random import Random
from typing import Final

from ledger import gettext_noop
from testruns.load import closed_loop
from testruns.scenarios.stage import orders
from testruns.scenarios.stage.caller import Caller
from testruns.scenarios.stage.closing import LiveState, ask_state, audit
from testruns.scenarios.stage.context import ScenarioContext, seeded
from testruns.scenarios.stage.host import Host
from testruns.scenarios.stage.hosts import START_SECONDS_MAX, HostDied, HostProcess, Hosts, Message, hosts_of
from testruns.scenarios.stage.measures import AUDIT_MEASURES, LOAD_MEASURES, counted
from testruns.scenarios.stage.operations import Operation
from testruns.scenarios.stage.reading import Record, end_of_records, segments_of
from testruns.scenarios.stage.registry import MeasurementSpec, scenario
from testruns.units import MILLISECONDS

WORKERS: Final = 4
AGENTS: Final = 5
INITIAL_MICROS: Final = 100_000 * orders.MICROS
KILLS_SHORT: Final = 5
KILLS_LONG: Final = 12
LONG_RUN_SECONDS: Final = 30
ACKNOWLEDGED_MIN: Final = 20
ACKNOWLEDGED_MAX: Final = 60
"""Answers a writer may give before it is killed: a seeded number of them, and then at a seeded moment."""
DELAY_SECONDS_MAX: Final = 0.004
ORDERS_AT_THE_END: Final = 10
"""Orders of each worker of the last writer, after what was not answered; the others go on until they are killed."""
ASKED_AGAIN: Final = 2
"""Answered orders that each worker sends again after a restart, besides those that were never answered."""
REPLAYS: Final = 5


@scenario(
    code="crash_replay",
    position=6,
    title=gettext_noop("Crash and replay"),
    help=gettext_noop(
        "A process writes with four threads and says over a pipe what is done. At random moments it is killed with "
        "SIGKILL, and into some of the journals it leaves behind a torn record is planted. The next process recovers, "
        "repeats what was not answered and some of what was, and is killed in turn. At the end every promise has to be "
        "in the journal, once, and five replays have to reach the state the ledger had."
    ),
    measures=(
        *LOAD_MEASURES,
        *AUDIT_MEASURES,
        counted("acknowledged_events_lost", gettext_noop("Events that were confirmed and are not where it was said.")),
        counted("acknowledged_events", gettext_noop("Events that were confirmed before and between the kills.")),
        MeasurementSpec(
            name="recovery_ms_max",
            unit=MILLISECONDS,
            help=gettext_noop("Longest time from opening to the first answer."),
        ),
        *(
            MeasurementSpec(
                name=f"recovery_ms_{kill}",
                unit=MILLISECONDS,
                help=gettext_noop("Time from opening to the first answer after the kill of this number."),
            )
            for kill in range(1, KILLS_LONG + 1)
        ),
        counted("kills", gettext_noop("Times the process was killed.")),
        counted("torn_tails", gettext_noop("Torn records planted behind a kill.")),
        counted("repeated_answers", gettext_noop("Orders sent again after a restart that got the first answer again.")),
    ),
    base_seconds=6,
)
def run(context: ScenarioContext) -> None:
    """Kill and recover, then audit. A ledger that does not come up again has lost every promise."""
    report = context.report
    kill_count = KILLS_LONG if context.duration_seconds >= LONG_RUN_SECONDS else KILLS_SHORT
    promises = Promises()
    live: LiveState | None = None
    with hosts_of(context) as hosts:
        course = Course(context, hosts, promises, kill_count)
        with context.load():
            member = course.play()
        if member is not None:
            live = ask_state(hosts, member)
            member.end()
    report.progress(fraction=0.8, text=gettext_noop("Replaying the journal five times"))
    audit(context, live=live, replays=REPLAYS, observe=promises.note)
    report.measure("acknowledged_events_lost", promises.lost_count if live else len(promises.promised))
    report.measure("acknowledged_events", len(promises.promised))
    if course.recoveries_ms:
        report.measure("recovery_ms_max", max(course.recoveries_ms))
    for kill, milliseconds in enumerate(course.recoveries_ms, start=1):
        report.measure(f"recovery_ms_{kill}", milliseconds)
    report.measure("kills", course.kill_count)
    report.measure("torn_tails", course.torn_count)
    if context.retry_injection:
        report.measure("repeated_answers", promises.repeated_count)


class Course:
    """The generations of the writer: each but the last is killed, each but the first has to recover."""

    def __init__(self, context: ScenarioContext, hosts: Hosts, promises: Promises, planned_kills: int) -> None:
        """All writers wait for their turn, so that a recovery is not measured together with the start of a process."""
        self._context = context
        self._hosts = hosts
        self._promises = promises
        self._planned_kills = planned_kills
        self._writers = [
            hosts.start(name=f"writer-{generation}", part=write, arguments={"seed": context.seed})
            for generation in range(planned_kills + 1)
        ]
        self.recoveries_ms: list[int] = []
        self.kill_count = 0
        self.torn_count = 0

    def play(self) -> HostProcess | None:
        """Every generation; returns the last writer, or None when one did not come up again."""
        while self.kill_count < self._planned_kills:
            member = self._start()
            if member is None:
                return None
            self._kill_in_the_middle(member)
            self._context.report.progress(
                fraction=0.8 * self.kill_count / self._planned_kills, text=gettext_noop("Killing and recovering")
            )
        member = self._start()
        if member is not None:
            self._hosts.await_all("result", members=[member], hear=self._promises.hear)
        return member

    def _start(self) -> HostProcess | None:
        again = ASKED_AGAIN if self._context.retry_injection else 0
        member = self._writers[self.kill_count]
        member.send(
            type="open",
            is_first=not self.kill_count,
            is_last=self.kill_count == self._planned_kills,
            from_positions=[max(0, answered - again) for answered in self._promises.answered_counts],
        )
        try:
            (ready,) = self._hosts.await_all("ready", members=[member], seconds=START_SECONDS_MAX)
        except HostDied:
            if not self.kill_count:
                raise
            return None
        if self.kill_count:
            self.recoveries_ms.append(ready["opening_ms"])
        member.send(type="go")
        return member

    def _kill_in_the_middle(self, member: HostProcess) -> None:
        chance = self._context.random("kill", self.kill_count)
        enough = self._promises.heard_count + chance.randint(ACKNOWLEDGED_MIN, ACKNOWLEDGED_MAX)
        self._hosts.hear_until(member, hear=self._promises.hear, is_enough=lambda: self._promises.heard_count >= enough)
        time.sleep(chance.uniform(0, DELAY_SECONDS_MAX))
        member.kill()
        self._hosts.hear_rest(member, hear=self._promises.hear)
        if self.kill_count % 2:
            plant_torn_tail(self._context.journal, chance=chance)
            self.torn_count += 1
        self.kill_count += 1


def plant_torn_tail(journal: Path, *, chance: Random) -> None:
    """Write the beginning of a record behind the last one, as a power cut in the middle of a write leaves it."""
    segment = segments_of(journal)[-1]
    last = segment.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
    with segment.open("r+b") as file:
        file.seek(end_of_records(segment))
        file.write(last[: chance.randint(1, len(last) - 1)])


def write(host: Host) -> None:
    """A host's part: opens or recovers the ledger, then every worker goes on where its answers ended."""
    turn = host.wait_for("open")
    started_ns = time.monotonic_ns()
    ledger = host.open()
    ledger.accounts()
    opening_ms = (time.monotonic_ns() - started_ns) // 1_000_000
    with host.caller(ledger) as caller:
        if turn["is_first"]:
            caller.set_up(orders.create_agent(f"crash-{agent}", micros=INITIAL_MICROS) for agent in range(AGENTS))
        host.tell(type="ready", opening_ms=opening_ms)
        host.wait_for("go")
        closed_loop(
            workers=[
                _worker(host, caller, worker, _positions(first, is_last=turn["is_last"]))
                for worker, first in enumerate(turn["from_positions"])
            ]
        )
    host.tell(type="result")
    host.serve(ledger)
    ledger.close()


def order_of(worker: int, position: int, *, seed: int) -> Operation:
    """The order of a worker at a position."""
    chance = seeded(seed, "crash_replay", worker, position)
    return orders.consume(
        f"crash:{worker}:{position}",
        agent=f"crash-{chance.randrange(AGENTS)}",
        micros=chance.randint(10 * orders.MICROS, 50 * orders.MICROS),
        reason="writing until killed",
    )


def _positions(first: int, *, is_last: bool) -> Iterable[int]:
    return range(first, first + ASKED_AGAIN + 1 + ORDERS_AT_THE_END) if is_last else count(first)


def _worker(host: Host, caller: Caller, worker: int, positions: Iterable[int]) -> Callable[[], None]:
    """Asks, and says what was answered before it asks on.

    The counts go with every answer, for the next may be the last.
    """

    def work() -> None:
        for position in positions:
            operation = order_of(worker, position, seed=host.arguments["seed"])
            answer = caller.ask(operation)
            if answer is not None:
                events = [[event.seq, event.hash, event.key] for event in answer.events]
                host.tell(type="promise", worker=worker, position=position, events=events, repeated=answer.is_repeated)
            caller.flush()

    return work


class Promises:
    """What the writers said is done, by seq: the hash and the key of the event."""

    def __init__(self) -> None:
        """Nothing promised, nothing found."""
        self.promised: dict[int, tuple[str, str | None]] = {}
        self.answered_counts = [0] * WORKERS
        self.heard_count = 0
        self.repeated_count = 0
        self._broken = 0
        self._found = 0

    def hear(self, _member: HostProcess, message: Message) -> None:
        """Take a promise; a second one about the same seq has to say the same."""
        self.heard_count += 1
        self.repeated_count += message["repeated"]
        worker = message["worker"]
        self.answered_counts[worker] = max(self.answered_counts[worker], message["position"] + 1)
        for seq, digest, key in message["events"]:
            self._broken += self.promised.setdefault(seq, (digest, key)) != (digest, key)

    def note(self, record: Record) -> None:
        """Look whether a record is one that was promised."""
        self._found += self.promised.get(record.seq) == (record.fields.get("hash"), record.key)

    @property
    def lost_count(self) -> int:
        """Promised events that are not in the journal as promised."""
        return len(self.promised) - self._found + self._broken

"""Delivering the events of a journal to one receiver, at least once each, in order within a stream, across restarts.

A receiver that raises is tried again later; only its stream waits meanwhile. Held events are not copied anywhere: they
are read again from the journal, from the first that was not delivered up to the position.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ledger.engine.env import Env, OsEnv
from ledger.engine.errors import EndUnknown, UnknownSeq
from ledger.engine.event import Event
from ledger.engine.journal import Journal
from ledger.engine.layout import Layout
from ledger.engine.times import text_of
from ledger.subscriptions.errors import PositionElsewhere, SubscriptionDiffers, UnknownSubscription
from ledger.subscriptions.following import Interest, events_after, pause_seconds
from ledger.subscriptions.record import Hold, Record, Records
from ledger.subscriptions.retry import Retry

PAGE_EVENTS = 100
HELD_STREAMS_MAX = 1000
"""So many streams that fail at once are one fault of the receiver: the position waits until some go through."""

SAVE_EVENTS, SAVE_MICROS = 500, 1_000_000
"""After so many deliveries, or so long after the first of them, the position is saved: what a crash delivers again."""

REASON_LENGTH_MAX = 300
_CHANCE_DIGITS = 8


class Subscriber:
    """One subscription of a journal, delivering in this process. Not for several threads, but for `stop`."""

    def __init__(
        self,
        *,
        journal: Journal,
        records: Records,
        record: Record,
        deliver: Callable[[Event], None],
        retry: Retry,
        env: Env,
    ) -> None:
        assert record.interest is not None
        self._journal = journal
        self._records = records
        self._record = record
        self._interest = record.interest
        self._deliver = deliver
        self._retry = retry
        self._env = env
        self._stopping = threading.Event()
        self.position = record.position
        self.holds = dict(record.holds)
        self._due: dict[str, int] = {}
        self._unsaved = 0
        self._has_parked = False
        self._looked_at = self._saved_at = self._worked_at = env.steady_micros()

    @classmethod
    @contextmanager
    def opened(
        cls,
        *,
        journal: Journal,
        path: Path,
        name: str,
        deliver: Callable[[Event], None],
        interest: Interest | None = None,
        after: int = 0,
        retry: Retry | None = None,
        env: Env | None = None,
    ) -> Iterator[Subscriber]:
        """Take up the subscription `name` of `journal`, which stands at `path`; a new one begins behind event `after`.

        Alone: SubscriptionRunning while another process has it. SubscriptionDiffers for another filter than it was
        begun with, PositionElsewhere on another history, SubscriptionDamaged, SubscriptionNameRefused, UnknownSeq for
        an `after` beyond the end, EndUnknown for a journal that cannot say what is durable. Saved when it is left.
        """
        effects = env if env is not None else OsEnv()
        if not effects.exists(Layout(path).durable):
            raise EndUnknown(path=path)
        records = Records(env=effects, journal=path)
        records.prepare()
        with records.running(name):
            record = _taken_up(journal, records, name=name, interest=interest or Interest(), after=after)
            subscriber = cls(
                journal=journal, records=records, record=record, deliver=deliver, retry=retry or Retry(), env=effects
            )
            try:
                yield subscriber
            finally:
                subscriber.save()

    def run(self) -> None:
        """Deliver until `stop`: what there is, then what comes, looking again as `pause_seconds` says."""
        while not self._stopping.is_set():
            if not self.step():
                idle = (self._env.steady_micros() - self._worked_at) / 1e6
                self._stopping.wait(pause_seconds(idle))

    def stop(self) -> None:
        """Let `run` end after the event that is being delivered. From any thread, or a signal."""
        self._stopping.set()

    def step(self) -> bool:
        """Deliver what is due and a page of what is new; False when there is nothing to do now."""
        now = self._env.steady_micros()
        if now - self._looked_at >= SAVE_MICROS:
            self._looked_at = now
            self._take_over_changes()
        has_worked = [self._replay(stream) for stream in self._streams_due(now)]
        has_worked.append(self._read_on())
        is_old = now - self._saved_at >= SAVE_MICROS
        if self._has_parked or self._unsaved >= SAVE_EVENTS or (is_old and self._is_unsaved()):
            self.save()
        if any(has_worked):
            self._worked_at = now
        return any(has_worked)

    # New events

    def _read_on(self) -> bool:
        """The next page. Events of a held stream stay behind the one that failed."""
        if len(self.holds) >= HELD_STREAMS_MAX:
            return False
        before = self.position
        page = events_after(self._journal, after=before, limit=PAGE_EVENTS, interest=self._interest)
        for event in page.events:
            if self._stopping.is_set() or len(self.holds) >= HELD_STREAMS_MAX:
                return True
            if event.stream not in self.holds:
                self._attempt(event)
            self.position = event.seq
        self.position = page.next_after
        return self.position > before

    def _attempt(self, event: Event) -> bool:
        """Deliver one event; if it fails, hold its stream."""
        self._unsaved += 1
        try:
            self._deliver(event)
        except Exception as error:  # noqa: BLE001  # a receiver may raise anything; the stream waits
            self._hold(event, reason=str(error) or repr(error))
            return False
        return True

    # Streams that wait

    def _hold(self, event: Event, *, reason: str) -> None:
        known = self.holds.get(event.stream)
        attempts, since = 1, text_of(self._env.wall_micros())
        if known is not None and known.seq == event.seq and known.attempts:
            attempts, since = known.attempts + 1, known.since
        is_parked = self._retry.is_over(attempts=attempts)
        self.holds[event.stream] = Hold(
            seq=event.seq, attempts=attempts, reason=reason[:REASON_LENGTH_MAX], since=since, is_parked=is_parked
        )
        chance = int(self._env.random_hex(_CHANCE_DIGITS // 2), 16) / 16**_CHANCE_DIGITS
        delay = self._retry.delay_seconds(attempts=attempts, chance=chance)
        self._due[event.stream] = self._env.steady_micros() + int(delay * 1e6)
        self._has_parked |= is_parked

    def _streams_due(self, now: int) -> list[str]:
        return [stream for stream, hold in self.holds.items() if not hold.is_parked and self._due.get(stream, 0) <= now]

    def _replay(self, stream: str) -> bool:
        """Go on with a stream where it failed, in order, up to the position; then it is held no longer."""
        hold = self.holds[stream]
        count = 0
        for event in self._interest.read(
            self._journal, after=hold.seq - 1, until=self.position, limit=PAGE_EVENTS, stream=stream
        ):
            if not self._attempt(event):
                return True
            count += 1
            hold = self.holds[stream] = Hold(seq=event.seq + 1, since=hold.since)
        if count < PAGE_EVENTS:
            del self.holds[stream]
            self._due.pop(stream, None)
        return True

    # The record

    def _is_unsaved(self) -> bool:
        return self._unsaved > 0 or self.position != self._record.position

    def save(self) -> None:
        """Make position and holds durable, unless an operator changed the record: then go on from what it says."""
        self._saved_at = self._env.steady_micros()
        with self._records.changing():
            if self._is_changed():
                return
            self._unsaved, self._has_parked = 0, False
            if self.position == self._record.position and self.holds == self._record.holds:
                return
            self._record = replace(
                self._record,
                revision=self._record.revision + 1,
                position=self.position,
                position_hash=_hash_at(self._journal, self.position),
                holds=dict(self.holds),
            )
            self._records.write(self._record)

    def _take_over_changes(self) -> None:
        with self._records.changing():
            self._is_changed()

    def _is_changed(self) -> bool:
        """Whether the record is another one; it is taken over then, and what was not saved is delivered again."""
        found = self._records.read(self._record.name)
        if found.revision == self._record.revision:
            return False
        if found.interest is None:
            found = replace(found, interest=self._interest, revision=found.revision + 1)
            self._records.write(found)
        self._record, self.position, self.holds = found, found.position, dict(found.holds)
        self._due, self._unsaved, self._has_parked = {}, 0, False
        return True


def _taken_up(journal: Journal, records: Records, *, name: str, interest: Interest, after: int) -> Record:
    """The record as it stands, made when it is new. Refuses one that does not belong to this journal and filter."""
    head = journal.head.seq
    with records.changing():
        try:
            found = records.read(name)
        except UnknownSubscription:
            if after > head:
                raise UnknownSeq(seq=after, head=head) from None
            made = Record(name=name, journal_id=journal.status.journal_id, interest=interest, position=after)
            records.write(replace(made, position_hash=_hash_at(journal, after)))
            return records.read(name)
        is_here = found.journal_id == journal.status.journal_id and found.position <= head
        if not is_here or found.position_hash != _hash_at(journal, found.position):
            raise PositionElsewhere(name=name, seq=found.position, head=head)
        if found.interest is None:
            found = replace(found, interest=interest, revision=found.revision + 1)
            records.write(found)
        if found.interest != interest:
            raise SubscriptionDiffers(name=name, recorded=found.interest, wanted=interest)
        return found


def _hash_at(journal: Journal, seq: int) -> str:
    return journal.get(seq=seq).hash if seq else ""

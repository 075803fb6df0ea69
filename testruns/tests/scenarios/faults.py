"""Ledgers with one planted fault each. They show that a scenario sees the fault; nothing of them is in the product.

Each opener takes what the product's takes. Faults reach behind the ledger's face by name, as no product code may.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any, ClassVar

from ledger import AlreadyDecided, InsufficientCredits, Ledger, commands
from testruns.scenarios.stage.opening import open_ledger
from testruns.scenarios.stage.reading import segments_of

OUTLIER_MICROS = 400_000_000


def _behind(module: str) -> Any:
    """A module behind the ledger's face."""
    return importlib.import_module(module)


class Faulty(Ledger):
    """The product's ledger until a subclass spoils something."""

    def execute(self, command: Any, **values: Any) -> Any:
        """As the product does it, unless spoilt."""
        return self.spoil(command, **values)

    def spoil(self, command: Any, **values: Any) -> Any:
        """What a subclass changes."""
        return Ledger.execute(self, command, **values)


def _opener(kind: type[Faulty]) -> Any:
    def open_faulty(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
        ledger = open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)
        ledger.__class__ = kind
        return ledger

    return open_faulty


class _ChargesTwice(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        answer = Ledger.execute(self, command, **values)
        if isinstance(command, commands.Consume) and not answer.is_repeated:
            key = f"{values['key']}:again"
            try:
                Ledger.execute(self, command, **(values | {"key": key}))
            except InsufficientCredits:
                return answer
        return answer


class _IgnoresKeys(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        return Ledger.execute(self, command, **(values | {"key": f"{values['key']}:{uuid.uuid4()}"}))


class _LosesEffects(Faulty):
    """Says done without doing anything, every fifth time."""

    count: ClassVar[int] = 0
    last: Any = None

    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume):
            type(self).count += 1
            if self.count % 5 == 0:
                return dataclasses.replace(self.last, is_repeated=False)
        self.last = Ledger.execute(self, command, **values)
        return self.last


class _RefusesEverything(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume):
            raise InsufficientCredits(agent=command.agent, balance=0, amount=command.amount_micros)
        return Ledger.execute(self, command, **values)


class _ChargesMore(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume):
            command = dataclasses.replace(command, amount_micros=command.amount_micros + 1)
        return Ledger.execute(self, command, **values)


class _Mints(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        answer = Ledger.execute(self, command, **values)
        if isinstance(command, commands.Consume):
            gift = commands.AddCredits(agent=command.agent, amount_micros=1, reason="out of thin air")
            Ledger.execute(self, gift, key=f"{values['key']}:gift", actor=values["actor"], correlation="nobody asked")
        return answer


class _Drifts(Faulty):
    def accounts(self) -> dict[str, int]:
        """One micro-credit more than there is on every agent's account."""
        return {name: micros + name.startswith("agent:") for name, micros in Ledger.accounts(self).items()}


class _GoesNegative(Faulty):
    """Lends what is missing, and takes it back unseen: the balance itself goes below zero."""

    def spoil(self, command: Any, **values: Any) -> Any:
        try:
            return Ledger.execute(self, command, **values)
        except InsufficientCredits:
            module = _behind("ledger.credits.decide_credits")
            checked, module.require_funds = module.require_funds, lambda *_, **__: None
            try:
                return Ledger.execute(self, command, **values)
            finally:
                module.require_funds = checked


class _ForgetsItsState(Faulty):
    def state_digest(self) -> str:
        """Another state every time it is asked."""
        return uuid.uuid4().hex


class _AcceptsTwoDecisions(Faulty):
    """Records every decision, whoever was first."""

    def spoil(self, command: Any, **values: Any) -> Any:
        try:
            return Ledger.execute(self, command, **values)
        except AlreadyDecided:
            event = _behind("ledger.engine.event")
            data = {
                "request": command.request,
                "approver": command.approver,
                "justification": command.justification,
                "state": "rejected",
            }
            second = event.NewEvent(stream=f"approval:{command.request}", type="approval.rejected", data=data)
            order = event.Command(
                key=values["key"],
                fingerprint="0" * 32,
                actor=values["actor"],
                correlation=values["correlation"],
                decide=lambda: [second],
            )
            return _behind("ledger.credits.answers").answer_of(self.journal.execute(order))


class _TellsEveryoneTheyWon(Faulty):
    last: Any = None

    def spoil(self, command: Any, **values: Any) -> Any:
        try:
            self.last = Ledger.execute(self, command, **values)
        except AlreadyDecided:
            return self.last
        return self.last


class _DecidesNothing(Faulty):
    """Tells everybody that somebody else was first."""

    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.DecideApproval):
            raise AlreadyDecided(request=command.request, state="approved")
        return Ledger.execute(self, command, **values)


class _DecidesSlowly(Faulty):
    """Every tenth request is one to think about. Its slowness is the planted fault, no wait for anything."""

    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.DecideApproval) and command.request.endswith("0"):
            time.sleep(0.12)
        return Ledger.execute(self, command, **values)


class _Crawls(Faulty):
    """Every second order takes its time."""

    count: ClassVar[int] = 0

    def spoil(self, command: Any, **values: Any) -> Any:
        type(self).count += 1
        if isinstance(command, commands.Consume) and self.count % 2:
            time.sleep(0.45)
        return Ledger.execute(self, command, **values)


class _Tires(Faulty):
    """After its first commands it is slow for ever."""

    count: ClassVar[int] = 0

    def spoil(self, command: Any, **values: Any) -> Any:
        type(self).count += 1
        if self.count > 150:
            time.sleep(0.06)
        return Ledger.execute(self, command, **values)


class _DiesOfTheFirstOrder(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume):
            os._exit(70)
        return Ledger.execute(self, command, **values)


class _BlocksAnomalies(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume) and command.amount_micros >= OUTLIER_MICROS:
            raise InsufficientCredits(agent=command.agent, balance=0, amount=command.amount_micros)
        return Ledger.execute(self, command, **values)


class _DiesOfAnomalies(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume) and command.amount_micros >= OUTLIER_MICROS:
            os._exit(70)
        return Ledger.execute(self, command, **values)


class _DoesNotTellAnomalies(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        return dataclasses.replace(Ledger.execute(self, command, **values), anomaly_detected=False)


class _MarksEverything(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        return dataclasses.replace(Ledger.execute(self, command, **values), anomaly_detected=True)


class _CrashesWithoutKarma(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume) and command.karma is not None and command.karma.is_fallback:
            raise ConnectionError("KARMA is away")
        return Ledger.execute(self, command, **values)


class _DiesWithoutKarma(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.Consume) and command.karma is not None and command.karma.is_fallback:
            os._exit(70)
        return Ledger.execute(self, command, **values)


class _KeepsQuietAboutKarma(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.RecordBreaker):
            return None
        if isinstance(command, commands.Consume):
            command = dataclasses.replace(command, karma=None)
        return Ledger.execute(self, command, **values)


class _Leaks(Faulty):
    """Keeps 20 kB for every command: 120 MB a minute at 100 commands a second."""

    kept: ClassVar[list[bytes]] = []

    def spoil(self, command: Any, **values: Any) -> Any:
        self.kept.append(os.urandom(20_000))
        return Ledger.execute(self, command, **values)


class _RefusesAgents(Faulty):
    def spoil(self, command: Any, **values: Any) -> Any:
        if isinstance(command, commands.CreateAgent):
            raise InsufficientCredits(agent=command.agent, balance=0, amount=command.initial_micros)
        return Ledger.execute(self, command, **values)


class _BreaksWhenClosed(Faulty):
    def close(self) -> None:
        """Fails after everything was measured."""
        raise OSError("cannot close")


class _LeaksSlowly(Faulty):
    """Keeps 0.2 MB for every minute of its life, whatever is asked of it."""

    kept: ClassVar[list[bytes]] = []
    kept_bytes: ClassVar[int] = 0
    started: ClassVar[float] = time.monotonic()
    lock = threading.Lock()

    def spoil(self, command: Any, **values: Any) -> Any:
        with self.lock:
            due = int((time.monotonic() - self.started) / 60 * 200_000) - self.kept_bytes
            if due >= 4096:
                self.kept.append(os.urandom(due))
                type(self).kept_bytes += due
        return Ledger.execute(self, command, **values)


class _LeavesFilesOpen(Faulty):
    kept: ClassVar[list[int]] = []

    def spoil(self, command: Any, **values: Any) -> Any:
        if len(self.kept) < 200:
            self.kept.append(os.open(__file__, os.O_RDONLY))
        return Ledger.execute(self, command, **values)


class _Stalls(Faulty):
    """Once, everybody waits for a second."""

    lock = threading.Lock()
    count: ClassVar[int] = 0

    def spoil(self, command: Any, **values: Any) -> Any:
        with self.lock:
            type(self).count += 1
            if self.count == 100:
                # The stall itself is the planted fault, not a wait for something to happen.
                time.sleep(1.0)
        return Ledger.execute(self, command, **values)


class _FollowsLate(Faulty):
    """A reader that looks at what others wrote only every half second."""

    seen: Any = None
    seen_at = 0.0

    @property
    def head(self) -> Any:
        """What was there at the last look."""
        if time.monotonic() - self.seen_at > 0.5:
            self.seen, self.seen_at = Ledger.head.__get__(self), time.monotonic()
        return self.seen


class _FailsSometimes(Faulty):
    count: ClassVar[int] = 0

    def spoil(self, command: Any, **values: Any) -> Any:
        type(self).count += 1
        if self.count % 97 == 96:
            raise OSError("something broke")
        return Ledger.execute(self, command, **values)


charges_twice = _opener(_ChargesTwice)
ignores_keys = _opener(_IgnoresKeys)
loses_effects = _opener(_LosesEffects)
refuses_everything = _opener(_RefusesEverything)
charges_more = _opener(_ChargesMore)
mints = _opener(_Mints)
drifts = _opener(_Drifts)
goes_negative = _opener(_GoesNegative)
forgets_its_state = _opener(_ForgetsItsState)
tells_everyone_they_won = _opener(_TellsEveryoneTheyWon)
decides_nothing = _opener(_DecidesNothing)
decides_slowly = _opener(_DecidesSlowly)
crawls = _opener(_Crawls)
tires = _opener(_Tires)
dies_of_the_first_order = _opener(_DiesOfTheFirstOrder)
blocks_anomalies = _opener(_BlocksAnomalies)
dies_of_anomalies = _opener(_DiesOfAnomalies)
does_not_tell_anomalies = _opener(_DoesNotTellAnomalies)
marks_everything = _opener(_MarksEverything)
crashes_without_karma = _opener(_CrashesWithoutKarma)
dies_without_karma = _opener(_DiesWithoutKarma)
keeps_quiet_about_karma = _opener(_KeepsQuietAboutKarma)
leaks = _opener(_Leaks)
refuses_agents = _opener(_RefusesAgents)
breaks_when_closed = _opener(_BreaksWhenClosed)
leaks_slowly = _opener(_LeaksSlowly)
leaves_files_open = _opener(_LeavesFilesOpen)
follows_late = _opener(_FollowsLate)
stalls = _opener(_Stalls)
fails_sometimes = _opener(_FailsSometimes)


def accepts_two_decisions(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
    """Does not mind a request that is decided already, neither in its rules nor in its state."""

    def decided(state: Any, request: str, outcome: Any) -> None:
        state.pending.pop(request, None)
        state.decided.add(request=request, state=outcome)

    _behind("ledger.credits.state").CreditState._decided = decided
    ledger = open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)
    ledger.__class__ = _AcceptsTwoDecisions
    return ledger


def drops_the_cap(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
    """Rewards without an end."""
    _behind("ledger.credits.policy").SYNERGY_CAP_MICROS = 10**15
    return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)


def _stating(score_ppm: int) -> Any:
    """Says one CI score whatever waits in the queue."""

    def open_stating(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
        _behind("ledger.credits.eoc").ci_score_ppm = lambda _depths: score_ppm
        return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)

    return open_stating


sees_too_much_order = _stating(100_000)
sees_too_much_chaos = _stating(950_000)


def stays_throttled(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
    """Once the controller has throttled, it goes on throttling."""
    module = _behind("ledger.credits.eoc")
    product, has_throttled = module.multiplier_ppm, []

    def spiral(*, ci_ppm: int | None) -> Any:
        multiplier = product(ci_ppm=ci_ppm)
        if multiplier == 500_000:
            has_throttled.append(True)
        return 500_000 if has_throttled else multiplier

    module.multiplier_ppm = spiral
    return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)


def loses_events_on_recovery(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
    """Recovers the last eight events not, and forgets that it ever said they are durable."""
    segments = segments_of(path)
    if segments and not read_only:
        content = segments[-1].read_bytes()
        kept = b"\n".join(content.rstrip(b"\n").split(b"\n")[:-8]) + b"\n"
        segments[-1].write_bytes(kept.ljust(len(content), b"\n"))
        (path / "durable").unlink()
    return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)


def does_not_come_up_again(*, path: Path, segment_bytes: int | None = None, read_only: bool = False) -> Ledger:
    """Refuses every journal it finds."""
    if segments_of(path):
        raise OSError("cannot read my own journal")
    return open_ledger(path=path, segment_bytes=segment_bytes, read_only=read_only)

"""KARMA over HTTP: asked before a command, at most 250 ms, behind a breaker, never able to fail the command.

GET {base}/api/karma/agents/{agent}/score -> {"score": 0-100, "ci": 0-1}. Whatever else comes back, or nothing, gives
the fallback (CI 0.5) with its reason. Five failures in a row open the breaker; then nothing is asked for 2 s, and
after that one caller at a time probes while the others get the fallback at once (decisions.md, Credits).
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from ledger.credits.amounts import PPM
from ledger.credits.errors import InvalidEndpoint
from ledger.credits.karma_reading import KarmaFailure, KarmaReading, fallback_reading

TIMEOUT_SECONDS = 0.25
FAILURES_TO_OPEN = 5
PROBE_AFTER_SECONDS = 2.0
ANSWER_BYTES_MAX = 65_536


class BreakerChange(NamedTuple):
    """The breaker opened or closed; the owner records it as an event."""

    is_open: bool
    endpoint: str
    reason: str


class KarmaClient:
    """Asks one KARMA endpoint. Thread-safe. `on_change` is called outside every lock, once per opening and closing."""

    def __init__(
        self,
        base_url: str | None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[BreakerChange], None] | None = None,
    ) -> None:
        self.endpoint = base_url or ""
        self._address = _address_of(base_url) if base_url else None
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._on_change = on_change
        self._breaker = _Breaker(clock=clock)

    @property
    def is_open(self) -> bool:
        """Whether the breaker is open, so that callers get the fallback without a question."""
        return self._breaker.is_open

    def read(self, agent: str) -> KarmaReading:
        """The agent's score and CI, or the fallback with the reason. Never raises for what KARMA does."""
        if self._address is None:
            return fallback_reading(reason=KarmaFailure.NOT_CONFIGURED)
        turn = self._breaker.admit()
        if turn is None:
            return fallback_reading(reason=KarmaFailure.BREAKER_OPEN)
        reason = None
        try:
            reading = self._ask(agent)
        except BaseException as error:
            reason = _failure_of(error)
            if reason is None:
                self._breaker.give_up(turn)
                raise
            reading = fallback_reading(reason=reason)
        has_changed = self._breaker.succeeded(turn) if reason is None else self._breaker.failed(turn)
        if has_changed and self._on_change is not None:
            change = BreakerChange(is_open=reason is not None, endpoint=self.endpoint, reason=str(reason or "answered"))
            self._on_change(change)
        return reading

    def _ask(self, agent: str) -> KarmaReading:
        assert self._address is not None
        host, port, path = self._address
        deadline = time.monotonic() + self._timeout_seconds
        connection = _Connection(host, port, deadline=deadline)
        try:
            target = f"{path}/api/karma/agents/{quote(agent, safe='')}/score"
            connection.request("GET", target, headers={"Accept": "application/json", "Connection": "close"})
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise _BadStatus
            body = response.read(ANSWER_BYTES_MAX + 1)
        finally:
            connection.end()
        return _reading_of(body)


class _BadStatus(Exception):
    """KARMA answered with something else than 200."""


class _Turn(Enum):
    """What a caller was admitted to."""

    QUESTION = 1
    PROBE = 2


def _failure_of(error: BaseException) -> KarmaFailure | None:
    """What went wrong with KARMA; None for what is none of its failures."""
    if isinstance(error, TimeoutError):
        return KarmaFailure.TIMEOUT
    if isinstance(error, _BadStatus):
        return KarmaFailure.BAD_STATUS
    if isinstance(error, ValueError | TypeError | InvalidOperation | RecursionError | http.client.HTTPException):
        return KarmaFailure.GARBAGE
    return KarmaFailure.UNREACHABLE if isinstance(error, OSError) else None


class _Breaker:
    """Closed, open, or open with one probe under way. Every method is atomic."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._failures = 0
        self._probe_at: float | None = None
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        with self._lock:
            return self._probe_at is not None

    def admit(self) -> _Turn | None:
        """What this caller may do: ask when closed, probe alone when a probe is due, otherwise nothing."""
        with self._lock:
            if self._probe_at is None:
                return _Turn.QUESTION
            if self._is_probing or self._clock() < self._probe_at:
                return None
            self._is_probing = True
            return _Turn.PROBE

    def succeeded(self, turn: _Turn) -> bool:
        """Count a good answer; True when it closed the breaker. A question from before it opened proves nothing."""
        with self._lock:
            if turn is _Turn.QUESTION:
                if self._probe_at is None:
                    self._failures = 0
                return False
            self._failures, self._probe_at, self._is_probing = 0, None, False
            return True

    def failed(self, turn: _Turn) -> bool:
        """Count a failure; True when it opened the breaker."""
        with self._lock:
            if turn is _Turn.PROBE:
                self._is_probing = False
                self._probe_at = self._clock() + PROBE_AFTER_SECONDS
                return False
            self._failures += 1
            if self._probe_at is not None or self._failures < FAILURES_TO_OPEN:
                return False
            self._probe_at = self._clock() + PROBE_AFTER_SECONDS
            return True

    def give_up(self, turn: _Turn) -> None:
        """The question ended without a verdict on KARMA, such as by Ctrl-C: let the next caller probe."""
        with self._lock:
            if turn is _Turn.PROBE:
                self._is_probing = False


class _Connection(http.client.HTTPConnection):
    """An HTTP connection with one deadline for everything: a server that drips bytes cannot stretch it."""

    def __init__(self, host: str, port: int, *, deadline: float) -> None:
        super().__init__(host, port)
        self._deadline = deadline
        self._plain: socket.socket | None = None

    def connect(self) -> None:
        self._plain = socket.create_connection((self.host, self.port), timeout=_left(self._deadline))
        self.sock: Any = _DeadlineSocket(self._plain, self._deadline)

    def end(self) -> None:
        """Give the socket back, once the answer is read or given up."""
        self.close()
        if self._plain is not None:
            self._plain.close()


class _DeadlineSocket(io.RawIOBase):
    """The part of a socket that http.client uses, each wait cut to what is left until the deadline."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain = plain
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._plain.settimeout(_left(self._deadline))
        return self._plain.recv_into(buffer)

    def sendall(self, content: bytes) -> None:
        self._plain.settimeout(_left(self._deadline))
        self._plain.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def close(self) -> None:
        """Nothing yet: http.client closes as soon as it has read the headers, and the body is still to come."""


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _address_of(base_url: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(base_url)
        port = parts.port or http.client.HTTP_PORT
    except ValueError as error:
        raise InvalidEndpoint(endpoint=base_url) from error
    if parts.scheme != "http" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise InvalidEndpoint(endpoint=base_url)
    return parts.hostname, port, parts.path.rstrip("/")


def _reading_of(body: bytes) -> KarmaReading:
    """The reading in an answer's body; ValueError, TypeError or InvalidOperation otherwise."""
    if len(body) > ANSWER_BYTES_MAX:
        raise ValueError("the answer is too long")
    answer = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal)
    if not isinstance(answer, dict):
        raise TypeError("the answer is no object")
    return KarmaReading(score_ppm=_ppm_of(answer.get("score"), whole=100), ci_ppm=_ppm_of(answer.get("ci"), whole=1))


def _ppm_of(value: object, *, whole: int) -> int:
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value <= whole:
        raise ValueError("the answer carries no number in range")
    return int((value / whole * PPM).to_integral_value())

"""Many HTTP clients in one thread: each sends its next request as soon as the answer to its last one allows.

Hand-made, because a client that costs as much as the server would measure itself. Knows HTTP/1.1 answers with a
Content-Length, which is what the API gives.
"""

from __future__ import annotations

import heapq
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from testruns.load import Histogram

_HEAD_END: Final = b"\r\n\r\n"
_RECEIVE_BYTES: Final = 1 << 16
ANSWER_SECONDS_MAX: Final = 60.0

Address = tuple[str, int]


class NotAnswered(Exception):
    """The server closed the connection, said something else than HTTP, or said nothing for too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; `retry_after` in seconds, 0 without one."""

    status: int
    retry_after: int
    body: bytes


class Client(Protocol):
    """Somebody who asks again and again, first after so many seconds.

    `keeps` its connection from one request to the next.
    """

    keeps: bool
    first_after: float

    def request(self) -> bytes:
        """The next request, whole."""

    def answered(self, answer: Answer, *, latency_us: int) -> float:
        """Take the answer; the seconds after which to ask again."""


@dataclass(kw_only=True)
class Steady:
    """A client that asks without a pause and remembers how long each answer took."""

    ask: Callable[[], bytes]
    latency: Histogram = field(default_factory=Histogram)
    statuses: Counter[int] = field(default_factory=Counter)
    keeps: bool = True
    first_after: float = 0.0

    def request(self) -> bytes:
        """The next request, whole."""
        return self.ask()

    def answered(self, answer: Answer, *, latency_us: int) -> float:
        """Count it, and go on at once."""
        self.latency.add(latency_us)
        self.statuses[answer.status] += 1
        return 0.0


@dataclass(kw_only=True)
class Patient:
    """A client that waits for something: it comes again when it was told to, as a pipeline does."""

    ask: Callable[[], bytes]
    statuses: Counter[int] = field(default_factory=Counter)
    keeps: bool = False
    first_after: float = 0.0

    def request(self) -> bytes:
        """The next request, whole."""
        return self.ask()

    def answered(self, answer: Answer, *, latency_us: int) -> float:
        """Come again after the time the server named."""
        self.statuses[answer.status] += 1
        return float(answer.retry_after)


def drive(*, address: Address, clients: Iterable[Client], seconds: float) -> float:
    """Let the clients ask for so long; the seconds it took until every steady one had its last answer.

    Waiting clients that are not answered by then are left. Raises NotAnswered, OSError.
    """
    with selectors.DefaultSelector() as selector:
        lines = [_Line(address, client, selector) for client in clients]
        began = time.monotonic()
        try:
            _drive(lines, selector, until=began + seconds)
        finally:
            for line in lines:
                line.close()
    return time.monotonic() - began


def _drive(lines: Sequence[_Line], selector: selectors.BaseSelector, *, until: float) -> None:
    began = time.monotonic()
    due = [(began + line.client.first_after, number) for number, line in enumerate(lines)]
    heapq.heapify(due)
    while True:
        now = time.monotonic()
        while due and due[0][0] <= now < until:
            lines[heapq.heappop(due)[1]].send(now)
        if now >= until and not any(line.is_asked for line in lines if line.client.keeps):
            return
        if now >= until + ANSWER_SECONDS_MAX:
            raise NotAnswered("a request was not answered within a minute")
        pause = min(0.1, max(0.0, due[0][0] - now)) if due else 0.1
        for key, _ in selector.select(pause):
            line: _Line = key.data
            again = line.receive()
            if again is not None:
                heapq.heappush(due, (again, lines.index(line)))


class _Line:
    """One client and its connection."""

    def __init__(self, address: Address, client: Client, selector: selectors.BaseSelector) -> None:
        self.client = client
        self._address, self._selector = address, selector
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._sent_at = 0.0
        self.is_asked = False

    def send(self, now: float) -> None:
        """Send the next request, on a new connection where there is none."""
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=ANSWER_SECONDS_MAX)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(self._socket, selectors.EVENT_READ, self)
        self._sent_at, self.is_asked = time.monotonic(), True
        self._socket.sendall(self.client.request())

    def receive(self) -> float | None:
        """Take what has come; the moment of the next request once the answer is whole. Raises NotAnswered."""
        assert self._socket is not None, "only a connection that is open becomes readable"
        chunk = self._socket.recv(_RECEIVE_BYTES)
        if not chunk:
            if self.is_asked:
                raise NotAnswered(f"the server closed the connection after {bytes(self._received[:200])!r}")
            self.close()
            return None
        self._received += chunk
        answer = _answer_in(self._received)
        if answer is None:
            return None
        now = time.monotonic()
        self._received.clear()
        self.is_asked = False
        pause = self.client.answered(answer, latency_us=round((now - self._sent_at) * 1_000_000))
        if not self.client.keeps:
            self.close()
        return now + pause

    def close(self) -> None:
        """End the connection."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


def _answer_in(received: bytearray) -> Answer | None:
    """The answer, None while it is not whole. Raises NotAnswered."""
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    first, *lines = bytes(received[:end]).decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not first.startswith("HTTP/1.1 ") or not headers.get("content-length", "").isdigit():
        raise NotAnswered(f"no answer with a length: {first!r}")
    begin = end + len(_HEAD_END)
    if len(received) < begin + int(headers["content-length"]):
        return None
    retry_after = headers.get("retry-after", "0")
    return Answer(int(first.split(" ")[1]), int(retry_after) if retry_after.isdigit() else 0, bytes(received[begin:]))

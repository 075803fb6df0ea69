"""Natural group commit: requests that come while a flush runs are written together by the next one. No timer."""

import threading
from collections import deque
from collections.abc import Callable

from ledger.engine import limits
from ledger.engine.event import Command, Receipt


class Request:
    """One waiting command. ``turn`` is released when there is an answer, or when it is this thread's turn to lead."""

    __slots__ = ("command", "error", "receipt", "turn")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.receipt: Receipt | None = None
        self.error: BaseException | None = None
        self.turn: threading.Lock | None = None


class Group:
    """The queue in front of one journal. ``serve`` answers requests from the left and returns how many it answered."""

    def __init__(self, serve: Callable[[list[Request]], int]) -> None:
        self._serve = serve
        self._gate = threading.Lock()
        self._waiting: deque[Request] = deque()
        self._is_led = False

    def submit(self, command: Command) -> Receipt:
        """Wait until the command is answered: the receipt, or its error is raised."""
        request = Request(command)
        with self._gate:
            self._waiting.append(request)
            is_leader = not self._is_led
            if is_leader:
                self._is_led = True
            else:
                request.turn = threading.Lock()
                request.turn.acquire()
        if not is_leader:
            assert request.turn is not None
            request.turn.acquire()
        if request.receipt is None and request.error is None:
            self._lead()
        if request.error is not None:
            raise request.error
        assert request.receipt is not None
        return request.receipt

    def _lead(self) -> None:
        """One flush; this thread's own request is the first of it. Then the lead goes to whoever waits longest."""
        with self._gate:
            count = min(len(self._waiting), limits.FLUSH_COMMANDS_MAX)
            requests = [self._waiting.popleft() for _ in range(count)]
        answered = 0
        try:
            answered = self._serve(requests)
        finally:
            with self._gate:
                self._waiting.extendleft(reversed(requests[answered:]))
                successor = self._waiting[0] if self._waiting else None
                self._is_led = successor is not None
            for request in requests[:answered]:
                if request.turn is not None:
                    request.turn.release()
            if successor is not None:
                assert successor.turn is not None
                successor.turn.release()

"""What the benchmark measures, and the figures it is held against."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

from console.bench.loop import ANSWER_SECONDS_MAX, Patient, Steady, drive
from console.bench.server import Server
from testruns.load import Histogram

ROUNDS: Final = 3
TOKENS_EACH: Final = 3
TOKENS_MAX: Final = 48  # one person has at most 50
SHARE_OF_FLOOR_MIN: Final = 0.5
DETAIL_P99_MS_MAX: Final = 100
CONSUME_P99_MS_MAX: Final = 150
PAGE_MS_MAX: Final = 60
SLOWER_SHARE_MAX: Final = 0.20
ARRIVALS_PER_SECOND: Final = 20
"""Of clients that wait: the usual 200 need as long as one that was sent away may have to stay away."""
AGENTS: Final = 4
GRANTED: Final = Decimal(1_000_000)
CONSUMED: Final = Decimal("0.25")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """How one kind of request went, over all connections and rounds."""

    count: int
    seconds: float
    latency: Histogram
    statuses: Counter[int]

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.count / self.seconds if self.seconds else 0.0

    def ms(self, share_ppm: int) -> float:
        """A percentile in milliseconds."""
        return self.latency.percentile_us(share_ppm) / 1000

    def went_well(self) -> bool:
        """Whether every answer was the one that was asked for."""
        return set(self.statuses) == {200}


@dataclass(frozen=True, kw_only=True, slots=True)
class Consumption:
    """What the agents had and have, in credits, against what was answered as consumed."""

    granted: Decimal
    consumed: Decimal
    left: Decimal

    @property
    def is_exact(self) -> bool:
        """Whether nothing was lost or spent twice."""
        return self.granted - self.consumed == self.left


Ask = Callable[[int], Callable[[], bytes]]
"""By the number of a connection: what makes its next request."""


def getting(server: Server, path: str) -> Ask:
    """The same GET again and again, by all tokens in turns.

    Each server process counts the uses of a token for itself, and one that got few connections answers these so fast
    that three tokens for each would be throttled.
    """

    def of(number: int) -> Callable[[], bytes]:
        first = number * TOKENS_EACH
        turns = itertools.cycle([server.request(path, token=first + turn) for turn in range(len(server.tokens))])
        return lambda: next(turns)

    return of


def consuming(server: Server, agents: Sequence[str]) -> Ask:
    """A consume of a quarter credit under a new key each time."""

    def of(number: int) -> Callable[[], bytes]:
        order = {"agent_id": agents[number % len(agents)], "amount": str(CONSUMED), "reason": "benchmark"}
        body, run, counter = json.dumps(order).encode(), uuid.uuid4().hex, itertools.count()

        def ask() -> bytes:
            count = next(counter)
            key = f'Idempotency-Key: "{run}-{number}-{count}"\r\n'
            token = number * TOKENS_EACH + count
            return server.request("/api/v1/credits/consume/", token=token, body=body, headers=key)

        return ask

    return of


def rates(server: Server, kinds: Sequence[Ask], *, connections: int, seconds: float) -> list[Rate]:
    """Each kind for so many seconds in all, in turns, so that a slow moment of the machine meets every kind."""
    clients = [[Steady(ask=ask(number)) for number in range(connections)] for ask in kinds]
    took = [0.0] * len(kinds)
    for _ in range(ROUNDS):
        for position, steady in enumerate(clients):
            took[position] += drive(address=server.address, clients=steady, seconds=seconds / ROUNDS)
    return [_rate(steady, seconds=one) for steady, one in zip(clients, took, strict=True)]


def rates_beside_waiters(
    server: Server, kind: Ask, *, connections: int, waiters: int, seconds: float
) -> tuple[Rate, Rate, Counter[int]]:
    """One kind of request alone and beside clients that wait; and what these were answered.

    Alone before and after, half of the time each. The waiting ones come one after the other, as pipelines do, and wait
    or were sent away by the time that the others begin.
    """
    wait = f"/api/v1/runs/{server.waiting}/wait/?timeout=30"
    arriving = waiters / ARRIVALS_PER_SECOND
    patient = [
        Patient(ask=getting(server, wait)(number), first_after=arriving * number / waiters) for number in range(waiters)
    ]
    alone = [Steady(ask=kind(number)) for number in range(connections)]
    beside = [Steady(ask=kind(number), first_after=arriving) for number in range(connections)]
    took = drive(address=server.address, clients=alone, seconds=seconds / 2)
    took_beside = drive(address=server.address, clients=[*patient, *beside], seconds=arriving + seconds) - arriving
    took += drive(address=server.address, clients=alone, seconds=seconds / 2)
    answered = sum((one.statuses for one in patient), Counter[int]())
    return _rate(alone, seconds=took), _rate(beside, seconds=took_beside), answered


def walk(server: Server, query: str) -> Rate:
    """Every page of the list by its cursors, one after the other on one connection."""
    latency, statuses, path = Histogram(), Counter[int](), f"/api/v1/runs/?{query}"
    began = time.monotonic()
    with closing(HTTPConnection(*server.address, timeout=ANSWER_SECONDS_MAX)) as connection:
        while path:
            asked = time.monotonic()
            owner = server.tokens[latency.count % len(server.tokens)]
            connection.request("GET", path, headers={"Authorization": f"Bearer {owner}"})
            answer = connection.getresponse()
            content = answer.read()
            latency.add(round((time.monotonic() - asked) * 1_000_000))
            statuses[answer.status] += 1
            following = urlsplit(json.loads(content).get("next", ""))
            path = f"{following.path}?{following.query}" if following.path else ""
    return Rate(count=latency.count, seconds=time.monotonic() - began, latency=latency, statuses=statuses)


def grant(server: Server) -> list[str]:
    """Agents with credits to consume."""
    agents = [f"benchmark-{number}" for number in range(AGENTS)]
    for agent in agents:
        server.ask("/api/v1/credits/agents/", body={"agent_id": agent}, key=f"create-{agent}")
        body = {"agent_id": agent, "amount": str(GRANTED), "reason": "benchmark"}
        server.ask("/api/v1/credits/add/", body=body, key=f"add-{agent}")
    return agents


def balance(server: Server, agents: Sequence[str]) -> Decimal:
    """What all of them have, in credits."""
    return sum((Decimal(server.ask(f"/api/v1/credits/balance/{agent}/")["balance"]) for agent in agents), Decimal(0))


def _rate(clients: Sequence[Steady], *, seconds: float) -> Rate:
    latency, statuses = Histogram(), Counter[int]()
    for client in clients:
        latency.merge_sparse(client.latency.sparse(), max_us=client.latency.max_us)
        statuses += client.statuses
    return Rate(count=latency.count, seconds=seconds, latency=latency, statuses=statuses)

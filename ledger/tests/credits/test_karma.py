"""KARMA: whatever it does, the caller gets a reading in time; the breaker opens, probes alone and closes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from console.tests.waiting import PATIENT_SECONDS, Stopwatch, until
from ledger import BreakerChange, KarmaClient
from ledger.credits.errors import InvalidEndpoint
from ledger.credits.karma_reading import KarmaFailure
from ledger.tests.credits.endpoint import Endpoint, port_without_server


class Clock:
    """The breaker's time, moved by the test."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A KARMA that works."""
    endpoint = Endpoint()
    yield endpoint
    endpoint.die()


def open_breaker(client: KarmaClient) -> None:
    """Five failures in a row."""
    for _ in range(5):
        assert client.read("ann").is_fallback


def test_a_good_answer_becomes_a_reading(endpoint: Endpoint) -> None:
    """The score as millionths of 100, CI as millionths; the agent's name is quoted in the address."""
    reading = KarmaClient(endpoint.url, timeout_seconds=PATIENT_SECONDS).read("ann/böse")

    assert (reading.score_ppm, reading.ci_ppm, reading.is_fallback) == (815_000, 620_000, False)
    assert endpoint.paths == ["/api/karma/agents/ann%2Fb%C3%B6se/score"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"score": 50}',
        b'{"score": "50", "ci": 0.5}',
        b'{"score": true, "ci": 0.5}',
        b'{"score": 100.1, "ci": 0.5}',
        b'{"score": -1, "ci": 0.5}',
        b'{"score": 50, "ci": 1.01}',
        b'{"score": NaN, "ci": 0.5}',
        b'{"score": 50, "ci": Infinity}',
        b'{"score": 1e999999999999999999999, "ci": 0.5}',
        b"[" * 60_000,
        b'{"score": 50, "ci": 0.5, "x": "' + b"y" * 70_000 + b'"}',
    ],
)
def test_garbage_gives_the_fallback(endpoint: Endpoint, body: bytes) -> None:
    """Whatever is no score of 0-100 with a CI of 0-1 counts as a failure and is CI 0.5."""
    endpoint.body = body

    reading = KarmaClient(endpoint.url, timeout_seconds=PATIENT_SECONDS).read("ann")

    assert (reading.is_fallback, reading.ci_ppm, reading.score_ppm) == (True, 500_000, None)
    assert reading.reason is KarmaFailure.GARBAGE


@pytest.mark.parametrize("status", [204, 302, 404, 500, 503])
def test_another_status_gives_the_fallback(endpoint: Endpoint, status: int) -> None:
    """Even when the body looks right."""
    endpoint.status = status

    assert KarmaClient(endpoint.url, timeout_seconds=PATIENT_SECONDS).read("ann").reason is KarmaFailure.BAD_STATUS


@pytest.mark.parametrize("fault", ["is_hanging", "is_dripping"])
def test_a_slow_answer_is_cut_off_in_time(endpoint: Endpoint, fault: str) -> None:
    """A server that hangs, or sends a byte now and then, costs 250 ms and not more."""
    setattr(endpoint, fault, True)
    began, watch = time.monotonic(), Stopwatch()

    reading = KarmaClient(endpoint.url).read("ann")
    took, seconds = time.monotonic() - began, watch.seconds

    assert reading.reason is KarmaFailure.TIMEOUT
    assert took > 0.2
    assert seconds < 1.5


def test_nobody_there_gives_the_fallback() -> None:
    """A refused connection."""
    with port_without_server() as port:
        client = KarmaClient(f"http://127.0.0.1:{port}", timeout_seconds=PATIENT_SECONDS)

        assert client.read("ann").reason is KarmaFailure.UNREACHABLE


def test_without_an_address_nothing_is_asked() -> None:
    """The fallback says that KARMA is not configured, and no breaker opens."""
    client = KarmaClient(None)
    for _ in range(10):
        assert client.read("ann").reason is KarmaFailure.NOT_CONFIGURED
    assert not client.is_open


@pytest.mark.parametrize(
    "url",
    [
        "karma",
        "ftp://karma",
        "https://karma",
        "http://",
        "http://k:99999",
        "http://k?x=1",
        "http://u:p@k",
        "http://[",
        "http://k#f",
    ],
)
def test_an_address_the_client_cannot_speak_to_is_refused(url: str) -> None:
    """When it is configured, not when the first command comes."""
    with pytest.raises(InvalidEndpoint):
        KarmaClient(url)


def test_the_breaker_opens_probes_and_closes(endpoint: Endpoint) -> None:
    """Five failures, two seconds without questions, a failed probe, two more, then a good answer."""
    clock, changes = Clock(), list[BreakerChange]()
    client = KarmaClient(endpoint.url, clock=clock, timeout_seconds=PATIENT_SECONDS, on_change=changes.append)
    endpoint.status = 500
    open_breaker(client)

    assert client.read("ann").reason is KarmaFailure.BREAKER_OPEN
    clock.now += 1.9
    assert client.read("ann").reason is KarmaFailure.BREAKER_OPEN
    assert len(endpoint.paths) == 5
    clock.now += 0.2
    assert client.read("ann").reason is KarmaFailure.BAD_STATUS
    clock.now += 1.9
    assert client.read("ann").reason is KarmaFailure.BREAKER_OPEN
    endpoint.status = 200
    clock.now += 0.2
    assert not client.read("ann").is_fallback

    assert not client.is_open
    assert changes == [
        BreakerChange(is_open=True, endpoint=endpoint.url, reason="bad_status"),
        BreakerChange(is_open=False, endpoint=endpoint.url, reason="answered"),
    ]
    assert len(endpoint.paths) == 7


def test_failures_must_come_in_a_row(endpoint: Endpoint) -> None:
    """One good answer starts the count again."""
    client = KarmaClient(endpoint.url, timeout_seconds=PATIENT_SECONDS)
    for _ in range(3):
        endpoint.status = 500
        for _ in range(4):
            client.read("ann")
        endpoint.status = 200
        assert not client.read("ann").is_fallback

    assert not client.is_open


def test_a_killed_endpoint_that_comes_back_is_found_again() -> None:
    """Dead, breaker open, back on the same port, probed, closed."""
    with port_without_server() as port:
        endpoint, clock = Endpoint(port), Clock()
        client = KarmaClient(endpoint.url, clock=clock, timeout_seconds=PATIENT_SECONDS)
        assert not client.read("ann").is_fallback
        endpoint.die()
        open_breaker(client)
        again = Endpoint(port)
        try:
            clock.now += 2.1
            assert not client.read("ann").is_fallback
            assert not client.is_open
        finally:
            again.die()


def test_one_thread_probes_while_the_others_go_on(endpoint: Endpoint) -> None:
    """A probe that hangs holds up nobody else."""
    clock = Clock()
    client = KarmaClient(endpoint.url, clock=clock, timeout_seconds=PATIENT_SECONDS)
    endpoint.status = 500
    open_breaker(client)
    asked = len(endpoint.paths)
    endpoint.status, endpoint.is_hanging = 200, True
    clock.now += 2.1
    probe = threading.Thread(target=client.read, args=("ann",))
    probe.start()
    until(lambda: len(endpoint.paths) > asked, seconds=20)

    reasons = {client.read("ann").reason for _ in range(20)}
    endpoint.released.set()
    probe.join()

    assert reasons == {KarmaFailure.BREAKER_OPEN}
    assert len(endpoint.paths) == asked + 1


def test_a_question_from_before_the_breaker_opened_proves_nothing(endpoint: Endpoint) -> None:
    """Its late answer neither closes the breaker nor does its late failure open it twice."""
    changes = list[BreakerChange]()
    client = KarmaClient(endpoint.url, clock=Clock(), timeout_seconds=PATIENT_SECONDS, on_change=changes.append)
    turn = client._breaker.admit()
    assert turn is not None
    endpoint.status = 500
    open_breaker(client)

    assert not client._breaker.succeeded(turn)
    assert not client._breaker.failed(turn)
    client._breaker.give_up(turn)

    assert client.is_open
    assert [change.is_open for change in changes] == [True]


def test_no_time_left_is_a_timeout(endpoint: Endpoint) -> None:
    """Before anything is sent."""
    assert KarmaClient(endpoint.url, timeout_seconds=0).read("ann").reason is KarmaFailure.TIMEOUT
    assert endpoint.paths == []


def test_many_threads_open_the_breaker_once(endpoint: Endpoint) -> None:
    """Fifty failures at once are one opening."""
    changes = list[BreakerChange]()
    client = KarmaClient(endpoint.url, clock=Clock(), timeout_seconds=PATIENT_SECONDS, on_change=changes.append)
    endpoint.status = 500
    threads = [threading.Thread(target=client.read, args=("ann",)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [change.is_open for change in changes] == [True]


def test_a_question_cut_short_leaves_the_probe_to_the_next(endpoint: Endpoint) -> None:
    """Ctrl-C during a probe is no verdict on KARMA."""
    clock = Clock()
    client = KarmaClient(endpoint.url, clock=clock, timeout_seconds=PATIENT_SECONDS)
    endpoint.status = 500
    open_breaker(client)
    endpoint.status = 200
    clock.now += 2.1

    class Interrupted(str):
        """A name whose reading is interrupted."""

        def encode(self, *_: object) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.read(Interrupted("ann"))

    assert not client.read("ann").is_fallback

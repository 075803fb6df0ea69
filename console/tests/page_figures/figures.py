"""`make page-figures`: what each page costs the server and weighs on its way, how soon charts are drawn, and what it
costs that many follow a run.

Not named as tests: times are of this machine, so nothing here belongs into a test run. It prints every figure and fails
when one does not hold.
"""

from __future__ import annotations

import gzip
import re
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.kernel import live
from console.kernel.models import Person
from console.tests.browser.rows import COMMIT, make_judged_run, make_running_run, sample_points
from console.tests.page_figures.conftest import REQUESTS, RUNS, Scale
from testruns.actions.leases import touch_run
from testruns.models import ScenarioExecution

PROCESSOR_MS_MAX = 150
TRANSFERRED_BYTES_MAX = 150_000
DRAWING_MS_MAX = 100
LOOKS = 7
READERS, POLL_SECONDS, SHARE_MAX = 100, 2, 0.20
POINTS = 120  # a running scenario that has more gets new ones more seldom than its page is made
GZIP = {"Accept-Encoding": "gzip"}
ASSET = re.compile(r'(?:src|href)="' + re.escape(f"/{settings.STATIC_URL.strip('/')}/") + r'([^"?]+)"')

pytestmark = pytest.mark.timeout(1800)


def say(line: str) -> None:
    """A line of the table."""
    sys.stdout.write(line + "\n")


class Figures(NamedTuple):
    """Of one page: milliseconds from question to answer in the middle of some looks; how many were the processor's in
    the quickest of them, with an empty cache and right after that (what others on the machine add is not the page's);
    queries; bytes with all it loads, compressed. floor_ms: what a plain loop took of the processor meanwhile."""

    address: str
    server_ms: float
    processor_ms: float
    again_ms: float
    floor_ms: float
    queries: int
    transferred_bytes: int

    def missed(self) -> list[str]:
        """What does not hold."""
        found = []
        if self.processor_ms > PROCESSOR_MS_MAX:
            found.append(f"{self.address}: {self.processor_ms:.0f} ms of the processor, at most {PROCESSOR_MS_MAX}")
        if self.transferred_bytes > TRANSFERRED_BYTES_MAX:
            found.append(f"{self.address}: {self.transferred_bytes:,} bytes, at most {TRANSFERRED_BYTES_MAX:,}")
        return found


def addresses_of(scale: Scale) -> list[str]:
    """Every kind of page a supervisor reaches, at the rows that are most to show."""
    run, newest, request = scale.run.pk, scale.run.pk + RUNS - 1, f"/admin/releases/request/{scale.open.pk}/"
    decision = scale.decided.decisions.get().pk
    return [
        "/admin/",
        "/admin/testruns/run/",
        "/admin/testruns/run/?q=GO&page=2",
        f"/admin/testruns/run/{run}/",
        f"/admin/testruns/run/{run}/print/",
        f"/admin/testruns/run/compare/?a={run}&b={newest}",
        "/admin/testruns/run/request/",
        "/admin/testruns/run/import/",
        "/admin/testruns/gatepolicy/",
        "/admin/testruns/gatepolicy/1/change/",
        "/admin/releases/",
        "/admin/releases/phase/5a/",
        "/admin/releases/phase/6a/",
        "/admin/releases/phase/7a/request/",
        "/admin/releases/phase/5a/definition/",
        request,
        f"/admin/releases/request/{scale.decided.pk}/",
        f"{request}review/",
        f"{request}decide/",
        f"/admin/releases/review/{scale.decided.reviews.get().pk}/",
        f"/admin/releases/decision/{decision}/certificate/",
        "/admin/releases/waivers/",
        "/admin/journal/",
        "/admin/journal/event/5/",
        "/admin/journal/streams/",
        "/admin/journal/verification/",
        "/admin/journal/accounts/",
        "/admin/journal/account/?name=a-1",
        "/admin/approvals/",
        "/admin/kernel/auditentry/",
        "/admin/kernel/auditentry/5/change/",
        "/admin/kernel/person/",
        "/admin/tokens/",
        f"/admin/releases/build/{COMMIT}/",
        "/admin/releases/builds/",
        "/admin/own/notifications/",
        "/admin/own/notifications/choice/",
        "/admin/own/time-zone/",
    ]


def measure_every_page_beside_a_thousand_runs(scale: Scale) -> None:
    """Some looks in this process; bytes as a browser with an empty cache asks."""
    client = Client(headers=GZIP)
    client.force_login(scale.reader, backend="django.contrib.auth.backends.ModelBackend")

    found = [_measure(client, address) for address in addresses_of(scale)]

    say(f"\n{RUNS:,} runs, {REQUESTS} release requests; limits {PROCESSOR_MS_MAX} ms, {TRANSFERRED_BYTES_MAX:,} bytes")
    say(f"{'page':48}{'ms':>6}{'CPU ms':>8}{'again':>7}{'floor':>7}{'queries':>9}{'bytes':>9}")
    for one in found:
        times = f"{one.server_ms:6.0f}{one.processor_ms:8.0f}{one.again_ms:7.0f}{one.floor_ms:7.1f}"
        say(f"{one.address[:46]:48}{times}{one.queries:9}{one.transferred_bytes:9,}")
    missed = [text for one in found for text in one.missed()]
    assert not missed, "\n".join(missed)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("storage")
def measure_how_soon_charts_of_half_an_hour_are_drawn(open_page: Callable[..., Any], tester: Person) -> None:
    """From the first chart's beginning to the last one's end, as the page itself measures it."""
    run = make_judged_run(person=tester, soak_seconds=1800, profile="full")
    times = []
    for _ in range(LOOKS):
        page = open_page(tester, f"/admin/testruns/run/{run.pk}/")
        page.wait_for_function("performance.getEntriesByName('charts').length > 0")
        times.append(page.evaluate("performance.getEntriesByName('charts')[0].duration"))

    middle = statistics.median(times)
    say(f"\ncharts of 600 points: {middle:.0f} ms, slowest {max(times):.0f} ms; limit {DRAWING_MS_MAX} ms")
    assert middle <= DRAWING_MS_MAX


@pytest.mark.django_db
@pytest.mark.usefixtures("storage")
def measure_what_a_hundred_readers_of_a_running_run_cost(tester: Person) -> None:
    """While every answer holds something new: their polls, and the page made anew, its charts drawn, as often as each
    process of the server may. The test's client takes about as much for a request as the web server does.
    """
    run = make_running_run(person=tester)
    address, client = f"/admin/testruns/run/{run.pk}/live/?token=0", Client(headers=GZIP | {"HX-Request": "true"})
    client.force_login(tester, backend="django.contrib.auth.backends.ModelBackend")
    polls, pages, floors = [], [], []
    for look in range(1, 3 * LOOKS):
        ScenarioExecution.objects.filter(run=run).exclude(samples=[]).update(samples=sample_points(POINTS + look))
        touch_run(run_id=run.pk)
        live.forget_everything()
        pages.append(_milliseconds(client, address, time.process_time))
        polls.append(_milliseconds(client, address, time.process_time))
        floors.append(_floor_ms())

    made_per_second = settings.WEB_PROCESSES / live.SHARED_SECONDS
    share = (READERS / POLL_SECONDS * min(polls) + made_per_second * min(pages)) / 1000
    figures = f"{min(polls):.2f} ms a poll, {min(pages):.0f} ms a page made anew, floor {min(floors):.1f} ms"
    say(f"\n{READERS} readers of a running run: {share:.1%} of a core, at most {SHARE_MAX:.0%} ({figures})")
    assert share <= SHARE_MAX


def _measure(client: Client, address: str) -> Figures:
    times, processor_times, again, floors = [], [], [], []
    for _ in range(LOOKS):
        cache.clear()
        live.forget_everything()
        times.append(_milliseconds(client, address, time.perf_counter))
        cache.clear()
        processor_times.append(_milliseconds(client, address, time.process_time))
        again.append(_milliseconds(client, address, time.process_time))
        floors.append(_floor_ms())
    with CaptureQueriesContext(connection) as asked:
        cache.clear()
        answer = client.get(address)
    page = gzip.decompress(answer.content) if answer.headers.get("Content-Encoding") == "gzip" else answer.content
    return Figures(
        address=address,
        server_ms=statistics.median(times),
        processor_ms=min(processor_times),
        again_ms=min(again),
        floor_ms=min(floors),
        queries=len(asked),
        transferred_bytes=len(answer.content) + sum(map(_compressed_bytes, set(ASSET.findall(page.decode())))),
    )


def _milliseconds(client: Client, address: str, clock: Callable[[], float]) -> float:
    began = clock()
    answer = client.get(address)
    took = clock() - began
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return 1000 * took


def _floor_ms() -> float:
    """What this processor is worth just now: 200,000 additions."""
    began, total = time.process_time(), 0
    for number in range(200_000):
        total += number
    return 1000 * (time.process_time() - began)


def _compressed_bytes(name: str) -> int:
    path = finders.find(re.sub(r"\.[0-9a-f]{12}(?=\.)", "", name))
    assert path is not None, name
    with open(path, "rb") as file:
        return len(gzip.compress(file.read()))

"""`manage.py bench_api`: the figures of the API, against a server that it starts on a storage of its own."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.bench import figures
from console.bench.figures import Ask, Rate
from console.bench.loop import NotAnswered
from console.bench.server import NeverStarted, Server, serving
from console.kernel.checks import INSTALLATION

LISTS = ("", "ordering=requested_at", "recommendation=NO_GO", "limit=200", "since=2000-01-01T00:00:00Z&profile=full")
_HEAD = f"{'':34}{'requests/s':>11}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}"


class Command(BaseCommand):
    """Prints every figure with the floor of the same run, and whether it holds. Exit code 1 when one does not."""

    requires_system_checks = [INSTALLATION]
    help = "Measures the API over loopback: rates against an empty view, pages of the list, clients that wait."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the sizes; the defaults are those the figures are asked for."""
        parser.add_argument("--seconds", type=float, default=15.0, help="for each kind of request (default: 15)")
        parser.add_argument("--connections", type=int, default=16, help="that ask without a pause (default: 16)")
        parser.add_argument("--runs", type=int, default=10_000, help="in the list (default: 10000)")
        parser.add_argument("--waiters", type=int, default=200, help="clients that wait for a run (default: 200)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Fill, start, measure, say."""
        self.missed: list[str] = []
        connections, seconds = options["connections"], options["seconds"]
        self._say(f"Filling a storage with {options['runs']:,} runs …")
        try:
            tokens = min(connections * figures.TOKENS_EACH, figures.TOKENS_MAX)
            with serving(run_count=options["runs"], token_count=tokens) as server:
                self._say(
                    f"{settings.WEB_PROCESSES} processes x {settings.WEB_THREADS} threads, {connections} connections, "
                    f"{os.cpu_count()} cores, {seconds:g} s each in {figures.ROUNDS} turns\n{_HEAD}"
                )
                self._requests(server, connections=connections, seconds=seconds)
                self._lists(server)
                self._waiters(server, connections=connections, waiters=options["waiters"], seconds=seconds)
        except (NeverStarted, NotAnswered, OSError) as failure:
            raise CommandError(str(failure)) from failure
        self._say("Every figure holds." if not self.missed else f"Missed: {'; '.join(self.missed)}.")
        sys.exit(1 if self.missed else 0)

    def _requests(self, server: Server, *, connections: int, seconds: float) -> None:
        agents = figures.grant(server)
        before = figures.balance(server, agents)
        kinds: list[Ask] = [
            figures.getting(server, "/api/v1/nothing/"),
            figures.getting(server, f"/api/v1/runs/{server.judged}/"),
            figures.consuming(server, agents),
        ]
        floor, detail, consume = figures.rates(server, kinds, connections=connections, seconds=seconds)
        self._line("floor: empty authenticated view", floor)
        self._line("GET a run", detail, floor=floor, p99_ms_max=figures.DETAIL_P99_MS_MAX)
        self._line("POST consume", consume, floor=floor, p99_ms_max=figures.CONSUME_P99_MS_MAX)
        balances = figures.Consumption(
            granted=before, consumed=consume.count * figures.CONSUMED, left=figures.balance(server, agents)
        )
        self._say(f"  {consume.count:,} consumed {balances.consumed.normalize():f}; left {balances.left:f}: ", end="")
        self._hold("the balance is exact", balances.is_exact)

    def _lists(self, server: Server) -> None:
        for query in LISTS:
            pages = figures.walk(server, query)
            slowest = pages.latency.max_us / 1000
            self._line(f"list ?{query}"[:34], pages)
            self._say(f"  {pages.count:,} pages one by one: ", end="")
            self._hold(f"each within {figures.PAGE_MS_MAX} ms", slowest <= figures.PAGE_MS_MAX)

    def _waiters(self, server: Server, *, connections: int, waiters: int, seconds: float) -> None:
        kind = figures.getting(server, f"/api/v1/runs/{server.judged}/")
        alone, beside, answered = figures.rates_beside_waiters(
            server, kind, connections=connections, waiters=waiters, seconds=seconds
        )
        self._line("GET a run, nobody waits", alone)
        self._line(f"GET a run, {waiters} wait", beside)
        slower = alone.per_second / beside.per_second - 1 if beside.count else float("inf")
        sent_away = f"{answered[503]:,} were sent away meanwhile, {answered[200]:,} had an answer"
        self._say(f"  {sent_away}; others slower by {slower:.0%}: ", end="")
        self._hold(f"at most {figures.SLOWER_SHARE_MAX:.0%} slower", slower <= figures.SLOWER_SHARE_MAX)

    def _line(self, name: str, rate: Rate, *, floor: Rate | None = None, p99_ms_max: int = 0) -> None:
        latest = f"{rate.ms(500_000):9.1f}{rate.ms(990_000):9.1f}{rate.latency.max_us / 1000:9.1f}"
        self._say(f"{name:<34}{rate.per_second:11.1f}{latest}")
        if not rate.went_well():
            self._say(f"  answers: {dict(rate.statuses)}: ", end="")
            self._hold("every answer is 200", False)
        if floor is not None:
            share = rate.per_second / floor.per_second if floor.count else 0.0
            self._say(f"  {share:.2f} of the floor: ", end="")
            self._hold(f"at least {figures.SHARE_OF_FLOOR_MIN}", share >= figures.SHARE_OF_FLOOR_MIN)
            self._say("  ", end="")
            self._hold(f"p99 within {p99_ms_max} ms", rate.ms(990_000) <= p99_ms_max)

    def _hold(self, promise: str, is_so: bool) -> None:
        if not is_so:
            self.missed.append(promise)
        self._say(f"{promise} – {'holds' if is_so else 'MISSED'}")

    def _say(self, text: str, *, end: str = "\n") -> None:
        self.stdout.write(text, ending=end)
        self.stdout.flush()

"""One cursor from the first event to whatever comes: pages without gaps, and looks that cost next to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.engine.errors import UnknownSeq
from ledger.subscriptions import Interest, events_after, following, pause_seconds
from ledger.subscriptions.errors import TypePatternRefused
from ledger.tests.subscriptions.conftest import Post


def all_pages(post: Post, *, limit: int, interest: Interest) -> list[int]:
    """The seq of every event that matches, page by page."""
    found: list[int] = []
    after = 0
    while True:
        page = events_after(post.journal, after=after, limit=limit, interest=interest)
        found += [event.seq for event in page.events]
        if page.next_after == page.head:
            return found
        after = page.next_after


@pytest.mark.parametrize("scanned", [4, 100_000])
@pytest.mark.parametrize("limit", [1, 3, 100])
@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"types": ("credit.*",)},
        {"types": ("segment.sealed", "segment.opened")},
        {"stream": "agent:bob"},
        {"correlation": "mission:1", "types": ("credit.consumed",)},
    ],
)
def test_pages_hold_every_event_that_matches_once(
    post: Post, wanted: dict[str, Any], limit: int, scanned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is filtered, however the pages are cut, over several segments."""
    monkeypatch.setattr(following, "EVENTS_SCANNED_MAX", scanned)
    post.record(*["ann", "bob"] * 12)

    found = all_pages(post, limit=limit, interest=Interest(**wanted))

    assert post.journal.status.segments > 1
    assert found == [event.seq for event in post.journal.read(**wanted)] != []


def test_a_cursor_of_another_journal_is_refused(post: Post) -> None:
    """Waiting for its successor would miss everything that this journal holds."""
    head = post.journal.head.seq

    assert events_after(post.journal, after=head, limit=1, interest=Interest()).events == ()
    with pytest.raises(UnknownSeq):
        events_after(post.journal, after=head + 1, limit=1, interest=Interest())


@pytest.mark.parametrize("pattern", ["credit", "credit.", "*", "credit.*.x", "Credit.consumed", ""])
def test_a_type_that_could_never_match_is_refused(pattern: str) -> None:
    """Somebody who waits for nothing should know."""
    with pytest.raises(TypePatternRefused):
        Interest(types=("credit.*", pattern))


def test_looks_come_soon_while_events_come_and_rarer_later() -> None:
    """A millisecond at first, never more than ten."""
    assert [pause_seconds(idle) for idle in (0, 0.1, 3600)] == [0.001, 0.005, 0.01]

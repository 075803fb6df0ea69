"""The badge: decision, build and validity as an image that anybody may embed."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from console.api.badge import _LOOKS, drawn
from console.models import ReleaseRequest
from console.release_states import EFFECTS, Word
from console.tests.api_client import ApiClient
from console.tests.releases.people import Team, decide, sign_three
from testruns.models import Build

SVG = "{http://www.w3.org/2000/svg}"
CONTRAST_MIN = 4.5


def texts(content: bytes) -> list[str]:
    """What the image says."""
    return [str(one.text) for one in ElementTree.fromstring(content).iter(f"{SVG}text")]  # noqa: S314 - our own


def badge(query: str = "", phase: str = "5a") -> Any:
    """The answer to somebody without a token."""
    return ApiClient().get(f"/api/v1/phases/{phase}/badge.svg{query}")


@pytest.mark.django_db
def test_the_badge_says_decision_build_and_validity(request_5a: ReleaseRequest, team: Team) -> None:
    """In words, not by colour alone; before the decision, after it, and for a build that is not released."""
    waiting = badge()
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)
    assert decision.valid_until is not None

    assert texts(waiting.content) == ["gatehouse 5a", "waiting for people · 4f1d2c9"]
    assert texts(badge().content)[1] == f"GO · 4f1d2c9 · until {decision.valid_until.date()}"
    assert texts(badge("?commit=4f1d2c9").content)[1] == texts(badge().content)[1]
    assert texts(badge("?commit=" + "A" * 40).content)[1] == "not released · aaaaaaa"


@pytest.mark.django_db
def test_the_badge_may_be_kept_for_a_minute_by_anybody() -> None:
    """It takes no token, sets no cookie, runs nothing, and is not sent twice."""
    first = badge()
    again = ApiClient().get("/api/v1/phases/5a/badge.svg", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "public, max-age=60"
    assert "default-src 'none'" in first.headers["Content-Security-Policy"]
    assert not first.cookies
    assert again.status_code == 304


@pytest.mark.django_db
def test_a_badge_of_nothing_is_refused(build: Build) -> None:
    """An unknown phase, no commit at all, and a hostile one: a problem, and nothing of it in an image."""
    assert badge(phase="9z").status_code == 404
    assert badge("?commit=<script>").json()["code"] == "commit-malformed"
    assert badge("?colour=red").json()["code"] == "unknown-parameter"


def test_what_a_badge_says_is_escaped() -> None:
    """Whatever a phase is called, it is text."""
    content = drawn('<script>&"', "]]> & <b>", "#1b6e3a").encode()

    assert texts(content) == ['<script>&"', "]]> & <b>"]
    assert b"<script" not in content


def test_every_state_has_a_badge_that_can_be_read() -> None:
    """A word for each effect, white on a colour of enough contrast."""
    assert set(_LOOKS) == {effect.badge for effect in EFFECTS.values()}
    assert min(_contrast_with_white(colour) for _, colour in _LOOKS.values()) >= CONTRAST_MIN


def _contrast_with_white(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)

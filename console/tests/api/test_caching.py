"""Answers that a client may keep."""

from __future__ import annotations

import pytest

from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.tests.api.frame_urls import KeptView
from console.tests.api_client import api_client
from console.tests.people import person_with

pytestmark = [pytest.mark.django_db, pytest.mark.urls("console.tests.api.frame_urls")]


def test_what_the_client_has_is_not_made_again() -> None:
    """304 without a body, for the tag in hand; a weak one and a list of several count too."""
    client = api_client(person_with(Role.AUDITOR), Scope.RUNS_READ)
    first = client.read("kept/1/")
    made = KeptView.made

    for tag in (first.headers["ETag"], f"W/{first.headers['ETag']}", f'"other", {first.headers["ETag"]}', "*"):
        again = client.read("kept/1/", headers={"If-None-Match": tag})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])

    assert KeptView.made == made
    assert client.read("kept/2/", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_another_language_is_another_answer() -> None:
    """A kept English text is not shown to a German reader."""
    client = api_client(person_with(Role.AUDITOR), Scope.RUNS_READ)
    tags = {client.read("kept/1/", headers={"Accept-Language": one}).headers["ETag"] for one in ("en", "de")}

    assert len(tags) == 2


def test_nothing_is_kept_by_others() -> None:
    """An answer to a token is no answer to anybody else."""
    answered = api_client(person_with(Role.AUDITOR), Scope.RUNS_READ).read("kept/1/")

    assert answered.headers["Cache-Control"] == "private, no-cache"

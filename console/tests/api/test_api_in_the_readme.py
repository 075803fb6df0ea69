"""What the README says of the API is what the code does."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import shlex
from typing import Any

import pytest

from console.kernel.api.authentication import CLOCK_DIFFERENCE_SECONDS
from console.kernel.api.parsing import DEPTH_MAX
from console.kernel.api.throttles import BY_ADDRESS, BY_TOKEN
from console.kernel.authority import Role
from console.kernel.models.idempotency_key import KEPT
from console.kernel.scopes import Scope
from console.kernel.tokens import signature_of
from console.tests.api_client import ApiClient, token_for
from console.tests.people import person_with
from console.tests.source_files import ROOT

SECTION = (ROOT / "README.md").read_text(encoding="utf-8").split("## The API\n")[1].split("\n## ")[0]
COMMANDS = re.findall(r"^curl .*?(?<!\\)$", SECTION, flags=re.MULTILINE | re.DOTALL)


def sent(command: str, token: str) -> Any:
    """Send what a curl command would send."""
    words = shlex.split(command.replace("\\\n", " ").replace("$GATEHOUSE_TOKEN", token))
    headers = dict(word.split(": ", 1) for flag, word in itertools.pairwise(words) if flag == "-H")
    body = words[words.index("-d") + 1] if "-d" in words else None
    path = words[-1].removeprefix("http://127.0.0.1:8000")
    client = ApiClient()
    if body is None:
        return client.get(path, headers=headers)
    return client.generic("POST", path, body, content_type=headers.pop("Content-Type"), headers=headers)


@pytest.mark.django_db
def test_the_two_commands_do_what_stands_above_them() -> None:
    """The token in hand, and a run."""
    token = token_for(person_with(Role.TESTER), Scope.RUNS_WRITE)

    answered = [sent(command, token) for command in COMMANDS]

    assert [one.status_code for one in answered] == [200, 202]
    assert answered[1].json()["profile"] == "smoke"


def test_its_figures_are_those_of_the_code() -> None:
    """Scopes, limits, times."""
    text = " ".join(SECTION.split())

    assert " ".join(scope.value for scope in Scope) in text
    assert f"within {KEPT.days * 24} hours" in text
    assert f"more than {DEPTH_MAX} levels" in text
    assert f"ask {BY_TOKEN.per_second} times a second ({BY_TOKEN.burst} at once)" in text
    assert f"without one {BY_ADDRESS.per_second} ({BY_ADDRESS.burst})" in text
    assert f"within {CLOCK_DIFFERENCE_SECONDS} of the server's" in text


def test_a_signature_made_as_it_says_is_the_one_that_is_expected() -> None:
    """By somebody who has read nothing else."""
    lines = ["1790000000", "0123456789abcdef", "POST", "/api/v1/runs/?a=b", hashlib.sha256(b"{}").hexdigest()]
    by_hand = "v1=" + hmac.new(b"ghs_secret", "\n".join(lines).encode(), hashlib.sha256).hexdigest()

    assert by_hand == signature_of(
        secret="ghs_secret", timestamp=lines[0], nonce=lines[1], method=lines[2], target=lines[3], body=b"{}"
    )

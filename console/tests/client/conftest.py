"""The environment of a pipeline, and the client in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from console import client
from console.tests.client.bad_server import BadServer

TOKEN = "gh_AbCdEfGh_" + "s3cret" * 7 + "x"
_NAMES = (*client.COMMIT_NAMES, *client.BUILD_NAMES, "GATEHOUSE_SIGNING_SECRET", "SSL_CERT_FILE", "http_proxy")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    way: str

    @property
    def word(self) -> str:
        """The last line of the result."""
        return self.out.splitlines()[-1] if self.out else ""


Gatehouse = Callable[..., Ended]


@pytest.fixture
def server() -> Iterator[BadServer]:
    """A server that answers as the test says."""
    with BadServer() as server:
        yield server


@pytest.fixture
def gatehouse(server: BadServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Gatehouse:
    """Run a command of the client in this process, against that server and with little patience."""
    for name in (*_NAMES, *(name.upper() for name in _NAMES)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GATEHOUSE_URL", server.url)
    monkeypatch.setenv("GATEHOUSE_TOKEN", TOKEN)
    monkeypatch.setenv("GATEHOUSE_PATIENCE", "3")

    def carry_out(*arguments: str, **environment: str) -> Ended:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        try:
            code = client.main(arguments)
        except SystemExit as leaving:  # argparse has its own way out
            code = int(leaving.code or 0)
        printed = capsys.readouterr()
        return Ended(code=code, out=printed.out, way=printed.err)

    return carry_out

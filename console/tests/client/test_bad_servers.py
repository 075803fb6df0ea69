"""The client on a bad day: killed, restarted, slow, overloaded, strange and hostile servers."""

from __future__ import annotations

import io
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from console import client
from console.kernel.tokens import is_nonce, signature_of
from console.tests.client.bad_server import (
    BadServer,
    Play,
    cuts,
    hangs,
    hangs_up,
    problem,
    says,
    sends,
    speaks_otherwise,
    trickles,
)
from console.tests.client.conftest import TOKEN, Gatehouse
from console.tests.client.documents import GATE, JUDGED, QUEUED, RELEASED, RUN, RUNNING

ERROR_PAGE = sends(b"<html>502 Bad Gateway</html>", status=502)


@pytest.mark.parametrize(
    "play",
    [ERROR_PAGE, hangs_up, cuts, problem(409, "idempotency-key-in-use"), says({}, status=503, Retry_After="1")],
)
def test_a_request_is_repeated_with_the_same_key(server: BadServer, gatehouse: Gatehouse, play: Play) -> None:
    """Whatever happened to the first answer, there is one run."""
    server.plays(play, says(QUEUED), says(JUDGED))

    ended = gatehouse(*RUN)

    first, second = (one for one in server.asked if one.method == "POST")
    assert (ended.code, ended.word) == (client.INCOMPLETE, "INCOMPLETE")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body


def test_a_server_killed_in_the_middle_of_a_wait_is_waited_for(server: BadServer, gatehouse: Gatehouse) -> None:
    """The poll breaks off, the run is asked for plainly, and the wait goes on where it was."""
    server.plays(says(QUEUED), cuts, hangs_up, ERROR_PAGE, says(RUNNING), says(JUDGED))

    ended = gatehouse(*RUN, GATEHOUSE_PATIENCE="60")

    paths = [one.path for one in server.asked]
    assert (ended.code, ended.word) == (client.INCOMPLETE, "INCOMPLETE")
    assert paths[1].startswith("/api/v1/runs/7/wait/")
    assert paths[2:5] == ["/api/v1/runs/7/"] * 3
    assert [one.method for one in server.asked].count("POST") == 1
    assert "run 7: RUNNING, 0 of 1 scenarios ended" in ended.way


def test_a_full_waiting_room_is_no_failure(server: BadServer, gatehouse: Gatehouse) -> None:
    """Who may not wait asks plainly, after the time it was told."""
    full = says({"title": "Too many waiters", "detail": ""}, status=503, Retry_After="1")
    server.plays(says(QUEUED), full, says(JUDGED))

    ended = gatehouse(*RUN)

    assert ended.code == client.INCOMPLETE
    assert server.asked[-1].path == "/api/v1/runs/7/"
    assert "trying again in 1.0 s" in ended.way


def test_garbage_in_the_middle_of_a_wait_is_waited_out(server: BadServer, gatehouse: Gatehouse) -> None:
    """A page of a proxy after a good answer means trouble on the way, not another address."""
    server.plays(says(QUEUED), sends(b"<html>maintenance</html>"), sends(b"{"), says(JUDGED))

    ended = gatehouse(*RUN, GATEHOUSE_PATIENCE="60")

    assert ended.code == client.INCOMPLETE


@pytest.mark.parametrize(
    ("play", "why"),
    [
        (sends(b"<!doctype html><title>Welcome</title>"), "text/html instead of json"),
        (sends(b"<html>Not found</html>", status=404), "HTTP 404, text/html"),
        (sends(b'{"run": 7', kind="application/json"), "no JSON object"),
        (sends(b"[" * 100_000, kind="application/json"), "no JSON object"),
        (says(["run", 7]), "no JSON object"),
        (speaks_otherwise, "it does not speak HTTP"),
    ],
)
def test_another_server_is_named_at_once(server: BadServer, gatehouse: Gatehouse, play: Play, why: str) -> None:
    """A wrong address is said to be one, without trying again."""
    server.plays(play)

    ended = gatehouse(*RUN)

    assert (ended.code, len(server.asked)) == (client.ERROR, 1)
    assert f"{server.url} is no Gatehouse ({why}" in ended.way
    assert "GATEHOUSE_URL" in ended.way


@pytest.mark.parametrize(
    "found",
    [
        {},
        QUEUED | {"run": "7"},
        QUEUED | {"build": None},
        QUEUED | {"waiting": "long"},
        JUDGED | {"recommendation": "FINE"},
        JUDGED | {"recommendation": ["GO"]},
        QUEUED | {"state": "CANCELLED"},
    ],
)
def test_an_answer_without_sense_is_no_verdict(server: BadServer, gatehouse: Gatehouse, found: Any) -> None:
    """Nothing is guessed: exit code 4, which no pipeline takes for a GO."""
    server.plays(says(found))

    assert gatehouse(*RUN).code == client.ERROR


@pytest.mark.parametrize("how", ["hangs", "trickles"])
def test_a_server_that_never_answers_ends_the_patience(server: BadServer, gatehouse: Gatehouse, how: str) -> None:
    """It says what it waited for, and what decides how long."""
    over = threading.Event()
    server.plays((hangs if how == "hangs" else trickles)(over))

    ended = gatehouse(*GATE, GATEHOUSE_PATIENCE="1")
    over.set()

    assert ended.code == client.ERROR
    assert "no answer in time" in ended.way
    assert "GATEHOUSE_PATIENCE" in ended.way


def test_a_server_that_is_gone_ends_the_patience(server: BadServer, gatehouse: Gatehouse) -> None:
    """Nobody listens any more, or not yet: tried for a while, then said."""
    with BadServer() as other:
        url = other.url

    ended = gatehouse(*GATE, GATEHOUSE_URL=url, GATEHOUSE_PATIENCE="1")

    assert ended.code == client.ERROR
    assert "no connection (Connection refused); trying again in" in ended.way
    assert "Gave up" in ended.way


def test_a_longer_wait_than_patience_is_not_begun(server: BadServer, gatehouse: Gatehouse) -> None:
    """`Retry-After: 3600` would keep the job for nothing."""
    server.plays(says({"title": "Too many requests"}, status=429, Retry_After="3600"))

    ended = gatehouse(*GATE)

    assert (ended.code, len(server.asked)) == (client.ERROR, 1)


def test_a_date_says_how_long_to_wait_too(server: BadServer, gatehouse: Gatehouse) -> None:
    """`Retry-After` has two forms."""
    soon = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.plays(says({}, status=503, Retry_After=soon), says(RELEASED))

    assert gatehouse(*GATE, GATEHOUSE_PATIENCE="30").code == client.GO


def test_a_redirect_is_not_followed(server: BadServer, gatehouse: Gatehouse) -> None:
    """It would carry the token to wherever it leads; the message says which address to use."""
    with BadServer() as elsewhere:
        elsewhere.plays(says(RELEASED))
        server.plays(sends(b"", status=301, Location=f"{elsewhere.url}/api/v1/"))

        ended = gatehouse(*GATE)

        assert ended.code == client.ERROR
        assert f"redirects to {elsewhere.url}/api/v1/" in ended.way
        assert elsewhere.asked == []


def test_a_refused_token_is_named_without_its_secret(server: BadServer, gatehouse: Gatehouse) -> None:
    """Which token it was, and why; the secret is nowhere."""
    server.plays(problem(401, "invalid-token", "The token has expired."))

    ended = gatehouse(*GATE)

    assert ended.code == client.ERROR
    assert "GATEHOUSE_TOKEN gh_AbCdEfGh… was refused: The token has expired." in ended.way
    assert TOKEN[12:20] not in ended.way + ended.out


def test_what_others_wrote_cannot_command(server: BadServer, gatehouse: Gatehouse) -> None:
    """No control character reaches the terminal, and no line is a command to the CI system."""
    text = "\x1b]0;owned\x07\n::add-mask::x\r##[error]y\u202e"
    blockers = [{"title": text, "why": text, "act": text, "people": [text], "until": text}, text, None]
    server.plays(problem(409, "build-not-released", text, exit_code=1, blockers=blockers))

    ended = gatehouse(*GATE)

    assert ended.code == client.NO_GO
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(ended.out)
    assert "::" not in ended.out
    assert "##[" not in ended.out
    assert len(ended.out.splitlines()) == 3


def test_a_certificate_that_nobody_vouches_for_stops_the_client(
    server: BadServer, gatehouse: Gatehouse, tmp_path: Path
) -> None:
    """TLS that cannot be checked is no TLS: nothing is sent. With its authority named it works."""
    file = _own_certificate(tmp_path)
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with BadServer(context=context) as secure:
        secure.plays(says(RELEASED))

        refused = gatehouse(*GATE, GATEHOUSE_URL=secure.url)
        asked_before = len(secure.asked)
        trusted = gatehouse(*GATE, SSL_CERT_FILE=str(file))

        assert (refused.code, asked_before) == (client.ERROR, 0)
        assert f"the TLS certificate of {secure.url} is not trusted" in refused.way
        assert trusted.code == client.GO


def test_https_to_a_port_without_it_is_said(server: BadServer, gatehouse: Gatehouse) -> None:
    """The other common mistake in an address."""
    server.plays(says(RELEASED))

    ended = gatehouse(*GATE, GATEHOUSE_URL=server.url.replace("http:", "https:"))

    assert ended.code == client.ERROR
    assert "does not speak TLS" in ended.way


def test_a_signed_request_proves_the_second_secret(server: BadServer, gatehouse: Gatehouse) -> None:
    """Each attempt has a nonce and a signature of its own; the secret does not travel."""
    server.plays(ERROR_PAGE, says(RELEASED))

    assert gatehouse(*GATE, GATEHOUSE_SIGNING_SECRET="ghs_secret").code == client.GO
    sent = [(one.headers["gatehouse-timestamp"], one.headers["gatehouse-nonce"], one) for one in server.asked]
    assert [one.headers["gatehouse-signature"] for one in server.asked] == [
        signature_of(secret="ghs_secret", timestamp=at, nonce=nonce, method="GET", target=one.path, body=b"")
        for at, nonce, one in sent
    ]
    assert len({nonce for _, nonce, _ in sent}) == 2
    assert all(is_nonce(nonce) for _, nonce, _ in sent)


def test_progress_is_one_line_in_place_on_a_terminal() -> None:
    """Elsewhere it is a plain line whenever something changed, for a log that nobody can rewrite."""
    terminal, log = _Terminal(), io.StringIO()

    for way in (terminal, log):
        screen = client.Screen(out=way, way=way)
        screen.progress("run 7: QUEUED", detail="")
        screen.progress("run 7: RUNNING", detail="credit_storm")
        screen.progress("run 7: RUNNING", detail="ml_chaos")
        screen.say("GO")

    assert log.getvalue() == "run 7: QUEUED\nrun 7: RUNNING\nGO\n"
    assert terminal.getvalue().endswith("\r\x1b[Krun 7: RUNNING ml_chaos\r\x1b[KGO\n")
    assert terminal.getvalue().count("\n") == 1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _own_certificate(directory: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that no authority knows, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    file = directory / "own.pem"
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(pem + builder.sign(key, SHA256()).public_bytes(Encoding.PEM))
    return file

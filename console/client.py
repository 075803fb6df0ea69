#!/usr/bin/env python3
"""gatehouse, the client for pipelines: one file, Python 3.11, nothing else. Copy it, or fetch /api/v1/client.py.

Environment:
    GATEHOUSE_URL             where the console answers, like https://gatehouse.example
    GATEHOUSE_TOKEN           a token of the person the pipeline acts for
    GATEHOUSE_SIGNING_SECRET  the second secret of a token that only takes signed requests
    GATEHOUSE_COMMIT          the commit in hand; else GITHUB_SHA, CI_COMMIT_SHA (GitLab), GIT_COMMIT (Jenkins)
    GATEHOUSE_BUILD           the name of what is built, for imports; else GITHUB_REPOSITORY, CI_PROJECT_PATH, JOB_NAME
    GATEHOUSE_PATIENCE        seconds without a usable answer before it gives up (300)
    SSL_CERT_FILE, HTTPS_PROXY and NO_PROXY as Python reads them

Exit codes: 0 GO, 1 NO_GO, 2 usage, 3 INCOMPLETE, 4 error, 5 waiting for people, 6 CONDITIONAL. With --require
0 when those gates PASS. `report`, and `run` without --wait, judge nothing: 0 says that it was done.
"""

from __future__ import annotations

import argparse
import contextlib
import email.utils
import hashlib
import hmac
import http.client
import itertools
import json
import os
import random
import socket
import ssl
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO
from urllib import error, parse, request

GO, NO_GO, USAGE, INCOMPLETE, ERROR, WAITING, CONDITIONAL = range(7)
WORDS = {GO: "GO", NO_GO: "NO_GO", INCOMPLETE: "INCOMPLETE", WAITING: "WAITING", CONDITIONAL: "CONDITIONAL"}
NOT_A_VERDICT = "This is not a release verdict: only the gates named with --require decide the exit code."
COMMIT_NAMES = ("GATEHOUSE_COMMIT", "GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
BUILD_NAMES = ("GATEHOUSE_BUILD", "GITHUB_REPOSITORY", "CI_PROJECT_PATH", "JOB_NAME")
PLAN, GATES = ("commit", "profile", "scenarios", "concurrency", "duration_seconds", "seed"), ("A", "B", "C", "D", "E")
API, KEYS, JSON = "/api/v1", "/.well-known/gatehouse-keys.json", "application/json"
REPORT = API + "/runs/{}/report/?format={}"
FORMATS = {"junit": "application/xml", "json": JSON, "md": "text/markdown", "html": "text/html"}
ANSWER_SECONDS, POLL_SECONDS = 30.0, 25  # one long poll is shorter than what proxies in between allow
BACKOFF_SECONDS, BACKOFF_SECONDS_MAX, BODY_BYTES_MAX = 0.5, 30.0, 64 * 2**20


class Stop(Exception):
    """The command ends here. problem: what the console said, where it was the console that refused (RFC 9457)."""

    def __init__(self, message: str, exit_code: int = ERROR, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.exit_code, self.problem = exit_code, problem or {}


class Unusable(Exception):
    """No answer, or none that can be used. after_seconds: how long the server asked to be left alone."""

    def __init__(self, why: str, after_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class NotOurs(Unusable):
    """Something answered, but not like a Gatehouse: most likely another address was meant."""


def plain(text: object) -> str:
    """A text from outside on one line, without control characters or what a CI system would take for a command."""
    printable = "".join(sign if sign.isprintable() else " " for sign in str(text))
    return " ".join(printable.replace("::", ": :").replace("##[", "## [").split())


class Screen:
    """What people see: results on stdout, everything on the way on stderr, rewritten in place on a terminal."""

    def __init__(self, *, out: TextIO, way: TextIO) -> None:
        self.out, self.way, self.is_terminal, self._last = out, way, way.isatty(), ""

    def say(self, text: str) -> None:
        """A line of the result."""
        self._line(text, self.out)

    def note(self, text: str) -> None:
        """A line that is no result."""
        self._line(f"gatehouse: {text}", self.way)

    def progress(self, text: str, *, detail: str = "") -> None:
        """How far it is: a line whenever the text changed; on a terminal one line in place, with the detail."""
        if self.is_terminal:
            print(f"\r\x1b[K{text} {detail}"[:120], end="", file=self.way, flush=True)
        elif text != self._last:
            print(text, file=self.way, flush=True)
        self._last = text

    def _line(self, text: str, file: TextIO) -> None:
        if self.is_terminal and self._last:
            print("\r\x1b[K", end="", file=self.way, flush=True)
            self._last = ""
        print(text, file=file, flush=True)


class Server:
    """One console: asks, tries again where that can help, and says clearly why it cannot."""

    def __init__(self, *, url: str, token: str, secret: str, patience_seconds: float, screen: Screen) -> None:
        self.url, self._token, self._secret, self._patience, self.screen = url, token, secret, patience_seconds, screen
        self._usable_at, self._was_met = time.monotonic(), False
        self._opener = request.OpenerDirector()  # follows no redirect: that would carry the token to wherever it leads
        for handler in (request.ProxyHandler, request.HTTPHandler, request.HTTPSHandler):
            self._opener.add_handler(handler())

    def once(self, path: str, media_type: str = "json", *, seconds: float = 0, **sent: Any) -> Any:
        """An answer of this kind, asking once: the object for "json", else the bytes. Raises Stop, Unusable."""
        seconds = seconds or max(1.0, min(ANSWER_SECONDS, self._patience))
        try:
            with self._send(path, seconds, **sent) as answer:
                status, headers, body = answer.status, answer.headers, _read(answer, seconds)
        except (http.client.IncompleteRead, ConnectionError):  # a server that was just ended
            raise Unusable("the connection was closed in the middle") from None
        except (http.client.HTTPException, ValueError):
            raise NotOurs("it does not speak HTTP") from None
        except OSError as problem:
            self._explain(problem.reason if isinstance(problem, error.URLError) else problem)
        if not 200 <= status < 300:
            self._refuse(status, headers, body)
        if media_type not in headers.get_content_type():
            raise NotOurs(f"{plain(headers.get_content_type())} instead of {media_type}")
        found = _object_in(body) if media_type == "json" else body
        self._usable_at, self._was_met = time.monotonic(), True
        return found

    def ask(self, path: str, media_type: str = "json", **sent: Any) -> Any:
        """As `once`, until there is an answer or patience is over. Raises Stop."""
        attempts = itertools.count()
        while True:
            try:
                return self.once(path, media_type, **sent)
            except Unusable as problem:
                if isinstance(problem, NotOurs) and not self._was_met:
                    raise Stop(f"{self.url} is no Gatehouse ({problem}). Check GATEHOUSE_URL.") from None
                self.rest(next(attempts), problem)

    def rest(self, attempt: int, problem: Unusable) -> None:
        """Wait before the next attempt, longer each time and never in step with others. Stop when patience is over."""
        backoff = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2 ** min(attempt, 9)) * random.uniform(0.5, 1.0)
        seconds = max(backoff, problem.after_seconds)
        if time.monotonic() + seconds - self._usable_at > self._patience:
            raise Stop(f"{self.url} gives no usable answer: {problem}. Gave up (GATEHOUSE_PATIENCE).")
        self.screen.note(f"{problem}; trying again in {seconds:.1f} s")
        time.sleep(seconds)

    def _send(self, path: str, seconds: float, body: bytes = b"", kind: str = JSON, key: str = "") -> Any:
        headers = {"User-Agent": "gatehouse-client/1", "Authorization": f"Bearer {self._token}"}
        headers |= {"Content-Type": kind, "Idempotency-Key": f'"{key}"'} if body else {}
        headers |= self._signature("POST" if body else "GET", path, body) if self._secret else {}
        return self._opener.open(request.Request(self.url + path, body or None, headers), timeout=seconds)  # noqa: S310

    def _signature(self, method: str, path: str, body: bytes) -> dict[str, str]:
        at, nonce, target = str(int(time.time())), uuid.uuid4().hex, parse.urlsplit(self.url).path + path
        lines = "\n".join((at, nonce, method, target, hashlib.sha256(body).hexdigest()))
        signature = "v1=" + hmac.new(self._secret.encode(), lines.encode(), hashlib.sha256).hexdigest()
        return {"Gatehouse-Timestamp": at, "Gatehouse-Nonce": nonce, "Gatehouse-Signature": signature}

    def _explain(self, reason: object) -> NoReturn:
        """No answer at all: what waiting cannot heal stops here."""
        if isinstance(reason, ssl.SSLCertVerificationError):
            own = "Name the file of an authority of your own in SSL_CERT_FILE."
            raise Stop(f"the TLS certificate of {self.url} is not trusted ({plain(reason.verify_message)}). {own}")
        if isinstance(reason, ssl.SSLError) and reason.reason:
            raise Stop(f"{self.url} does not speak TLS ({plain(reason.reason)}): is it http, or another port?")
        if isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME and not self._was_met:
            raise Stop(f"{self.url}: there is no host of this name. Check GATEHOUSE_URL.")
        if isinstance(reason, TimeoutError):
            raise Unusable("no answer in time")
        raise Unusable(f"no connection ({plain(getattr(reason, 'strerror', None) or reason)})")

    def _refuse(self, status: int, headers: Any, body: bytes) -> NoReturn:
        """An answer that is not 2xx."""
        if status < 400:
            raise Stop(f"{self.url} redirects to {plain(headers.get('Location'))}: set GATEHOUSE_URL to that.")
        problem = _object_in(body) if headers.get_content_type() == "application/problem+json" else {}
        if status in (408, 425, 429, 500, 502, 503, 504) or problem.get("code") == "idempotency-key-in-use":
            raise Unusable(f"HTTP {status} {plain(problem.get('title', ''))}".rstrip(), _retry_after(headers))
        if not problem:
            raise NotOurs(f"HTTP {status}, {plain(headers.get('Content-Type'))}")
        if status == http.HTTPStatus.UNAUTHORIZED:
            raise Stop(f"GATEHOUSE_TOKEN {self._token[:11]}… was refused: {plain(problem.get('detail'))}")
        code = USAGE if status in (400, 404, 413, 415, 422) else ERROR
        raise Stop(plain(problem.get("detail") or f"HTTP {status}"), code, {**problem, "status": status})


def _read(answer: Any, seconds: float) -> bytes:
    """The body, not more than is sensible and not for longer than the whole answer may take."""
    until, body = time.monotonic() + seconds, bytearray()
    while part := answer.read1(1 << 16):
        body += part
        if len(body) > BODY_BYTES_MAX:
            raise NotOurs(f"more than {BODY_BYTES_MAX} bytes")
        if time.monotonic() > until:
            raise TimeoutError
    if answer.length:
        raise ConnectionError
    return bytes(body)


def _object_in(body: bytes) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        if isinstance(found := json.loads(body), dict):
            return found
    raise NotOurs("no JSON object")


def _retry_after(headers: Any) -> float:
    """Seconds from a number or a date; 0 without one."""
    asked = headers.get("Retry-After") or ""
    with contextlib.suppress(ValueError):
        return float(asked) if asked.isdecimal() else email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
    return 0.0


def need(found: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """A member that the answer must have. Stop without it: nothing is guessed."""
    if not isinstance(found.get(name), kind):
        raise Stop(f"the answer makes no sense: {name} is missing. Check GATEHOUSE_URL and the version of this client.")
    return found[name]


def _rows(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in rows if isinstance(one, dict)] if isinstance(rows := found.get(name), list) else []


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Ask for a run; with --wait, wait for its verdict."""
    if unknown := set(options.require) - set(GATES):
        raise Stop(f"--require takes gates of {', '.join(GATES)}; {plain(sorted(unknown))} is none of them", USAGE)
    if (options.require or options.junit) and not options.wait:
        raise Stop("--require and --junit take --wait: without it nothing is judged and nothing written", USAGE)
    server, plan = _server(screen), {name: value for name in PLAN if (value := getattr(options, name)) is not None}
    begun = server.ask(f"{API}/runs/", body=json.dumps(plan).encode(), key=str(uuid.uuid4()))
    number, build = need(begun, "run", int), need(begun, "build", dict)
    judged, commit = plain(build.get("commit", "")), _named(options.commit, COMMIT_NAMES).lower()
    screen.note(f"run {number} judges {plain(build.get('name'))} {judged}")
    if commit and commit != judged:
        screen.note(f"this is NOT the commit in hand, {plain(commit)}: the console was started from another build")
    if not options.wait:
        screen.say(f"Run {number} is asked for. Nothing is judged yet: --wait waits for it.")
        return GO
    ended = _wait(server, number, begun, until=time.monotonic() + options.timeout)
    if options.junit:
        options.junit.write_bytes(server.ask(REPORT.format(number, "junit"), FORMATS["junit"]))
    return _conclude(screen, ended, required=options.require)


def _wait(server: Server, number: int, run: dict[str, Any], *, until: float) -> dict[str, Any]:
    """Poll until the run has ended. A poll that fails is followed by a plain question, with all patience."""
    while need(run, "state", str) not in ("JUDGED", "UNFINISHED", "CANCELLED"):
        executions = [(one.get("scenario"), one.get("state")) for one in _rows(run, "executions")]
        count = sum(state not in ("QUEUED", "LEASED", "RUNNING") for _, state in executions)
        text = f"run {number}: {plain(run['state'])}, {count} of {len(executions)} scenarios ended"
        if "waiting" in run:
            waiting = need(run, "waiting", dict)
            text += f"; place {plain(waiting.get('position'))} in line: {plain(waiting.get('reason'))}"
        server.screen.progress(text, detail=", ".join(plain(name) for name, state in executions if state == "RUNNING"))
        if (began := time.monotonic()) > until:
            raise Stop(f"run {number} has not ended in time (--timeout); it goes on at {server.url}")
        try:
            poll = f"{API}/runs/{number}/wait/?timeout={POLL_SECONDS}"
            run = server.once(poll, seconds=POLL_SECONDS + ANSWER_SECONDS)
        except Unusable as problem:
            server.rest(0, problem)
            run = server.ask(f"{API}/runs/{number}/")
        time.sleep(max(0.0, BACKOFF_SECONDS - (time.monotonic() - began)))  # what answers at once is not asked at once
    return run


def _conclude(screen: Screen, run: Mapping[str, Any], *, required: Sequence[str] = ()) -> int:
    """What came out, the word last; the exit code is the recommendation's, or that of the required gates."""
    word = run.get("recommendation")
    code = next((code for code, known in WORDS.items() if known == word), ERROR)
    if code == ERROR:
        raise Stop(f"run {need(run, 'run', int)} is {plain(need(run, 'state', str))} and has no recommendation")
    verdicts = dict.fromkeys(required, "not judged")
    verdicts |= {plain(one.get("gate")): plain(one.get("verdict")) for one in _rows(run, "gates")}
    lines = [f"Gate {gate}: {verdict}" for gate, verdict in sorted(verdicts.items())]
    lines += [f"- {plain(one.get('severity'))}: {plain(one.get('what'))}" for one in _rows(run, "findings")]
    screen.say("\n".join([*lines, plain(run.get("sentence", ""))]))
    if required:
        asked = {verdicts[gate] for gate in required}
        code = GO if asked == {"PASS"} else NO_GO if "FAIL" in asked else INCOMPLETE
        screen.say(NOT_A_VERDICT)
    screen.say(str(word))
    return code


def gate(options: argparse.Namespace, screen: Screen) -> int:
    """Whether this build is released in this phase."""
    commit = _named(options.commit, COMMIT_NAMES, "--commit").lower()
    if len(commit) not in (40, 64) or commit.strip("0123456789abcdef"):
        raise Stop(f"{plain(commit)} is not a whole commit: that has 40 or 64 hexadecimal digits", USAGE)
    path = f"{API}/phases/{parse.quote(options.phase, safe='')}/gate/?{parse.urlencode({'commit': commit})}"
    try:
        found = _server(screen).ask(path)
    except Stop as stop:
        code = stop.problem.get("exit_code")
        if stop.problem.get("status") != http.HTTPStatus.CONFLICT or code == GO or code not in tuple(WORDS):
            raise
        screen.say(str(stop))
        for one in _rows(stop.problem, "blockers"):
            who = ", ".join(map(plain, one.get("people") or one.get("roles") or ()))
            until = f" until {plain(one['until'])}" if "until" in one else ""
            screen.say(f"- {plain(one.get('title'))}: {plain(one.get('why'))} [{plain(one.get('act'))}: {who}{until}]")
        screen.say(WORDS[code])
        return int(code)
    word, about = found.get("decision"), (found.get("phase"), need(found, "build", dict).get("commit"))
    if about != (options.phase, commit) or word not in ("GO", "CONDITIONAL"):
        raise Stop("the answer is not about the phase and the commit that was asked for")
    digest = plain(need(found, "certificate", dict).get("digest"))
    screen.say(f"Phase {options.phase} is released for {commit} until {plain(found.get('valid_until'))} by {digest}")
    for one in _rows(found, "conditions"):
        screen.say(f"- {' '.join(plain(one.get(name)) for name in ('id', 'text', 'owner', 'due_date'))}")
    screen.say(word)
    return GO if word == "GO" or options.accept == "conditional" else CONDITIONAL


def import_results(options: argparse.Namespace, screen: Screen) -> int:
    """Hand over the results of another suite; the exit code is that of their verdict."""
    build, commit = _named(options.build, BUILD_NAMES, "--build"), _named(options.commit, COMMIT_NAMES, "--commit")
    bound, files = uuid.uuid4().hex, (("junit", options.results), ("coverage", options.coverage))
    file = '{0}"; filename="{0}.xml"\r\nContent-Type: application/xml'
    parts = [('build"', build.encode()), ('commit"', commit.encode())]
    try:
        parts += [(file.format(name), path.read_bytes()) for name, paths in files for path in paths]
    except OSError as fault:
        raise Stop(f"{plain(fault.filename or 'a file')} cannot be read: {plain(fault.strerror)}", USAGE) from None
    head = f'--{bound}\r\nContent-Disposition: form-data; name="'
    body = b"".join(f"{head}{name}\r\n\r\n".encode() + part + b"\r\n" for name, part in parts)
    kind, body = f"multipart/form-data; boundary={bound}", body + f"--{bound}--\r\n".encode()
    return _conclude(screen, _server(screen).ask(f"{API}/imports/", body=body, kind=kind, key=str(uuid.uuid4())))


def report(options: argparse.Namespace, screen: Screen) -> int:
    """A run's report, into a file or to stdout."""
    kind = "markdown" if options.format == "md" else options.format  # the name that the API has for it
    content = _server(screen).ask(REPORT.format(options.run, kind), FORMATS[options.format])
    options.output.write_bytes(content) if options.output else sys.stdout.buffer.write(content)
    return GO


def verify(options: argparse.Namespace, screen: Screen) -> int:
    """Whether a certificate is genuine and in force: 0, 1 wrong, 3 not in force, 4 cannot be said."""
    try:
        from console.certificate.file import check_file
    except ImportError as missing:
        raise Stop(f"verify takes the installed package with its signing library; {missing.name} is missing") from None
    content, status = options.file.read_bytes(), options.status and options.status.read_bytes()
    keys = options.key.read_bytes() if options.key else json.dumps(_server(screen).ask(KEYS)).encode()
    code, lines = check_file(content, keys=keys, status=status, is_status_required=options.require_status)
    screen.say("\n".join(lines))
    return code


def _server(screen: Screen) -> Server:
    """The console the environment names. Stop for an address or token that cannot be one."""
    url, token = (os.environ.get(f"GATEHOUSE_{name}", "").strip() for name in ("URL", "TOKEN"))
    parts = parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Stop("GATEHOUSE_URL is missing, or is no address like https://gatehouse.example", USAGE)
    if not token or not token.isascii() or not token.isprintable():
        raise Stop("GATEHOUSE_TOKEN is missing, or is no token", USAGE)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        screen.note("GATEHOUSE_URL is http: the token travels for everybody to read")
    patience = os.environ.get("GATEHOUSE_PATIENCE") or "300"
    if not patience.isdecimal():
        raise Stop("GATEHOUSE_PATIENCE is a whole number of seconds", USAGE)
    secret, base = os.environ.get("GATEHOUSE_SIGNING_SECRET", "").strip(), url.rstrip("/").removesuffix(API)
    return Server(url=base, token=token, secret=secret, patience_seconds=float(patience), screen=screen)


def _named(given: str | None, names: Sequence[str], option: str = "") -> str:
    found = next((value for value in (given, *map(os.environ.get, names)) if value), "")
    if option and not found:
        raise Stop(f"say {option}, or set one of {', '.join(names)}", USAGE)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("gatehouse", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, carry_out: Callable[..., int], *positional: str, **kinds: Any) -> Callable[..., Any]:
        one = commands.add_parser(name, help=carry_out.__doc__)
        one.set_defaults(carry_out=carry_out)
        for argument in positional:
            one.add_argument(argument, type=kinds.get(argument, str))
        return one.add_argument

    add = command("run", run)
    add("--profile", default="quick")
    add("--scenario", dest="scenarios", action="append", metavar="CODE", help="only these; repeatable")
    add("--concurrency", type=lambda text: [int(level) for level in text.split(",")], metavar="N[,N...]")
    add("--duration", dest="duration_seconds", type=int, metavar="SECONDS", help="of the soak, with --profile own")
    add("--seed", type=int)
    add("--commit", type=str.lower, metavar="SHA", help="end with 4, with no run, if the console judges another")
    add("--wait", action="store_true")
    add("--timeout", type=float, default=14_400.0, metavar="SECONDS", help="of --wait; the run goes on")
    add("--require", type=lambda text: text.upper().replace(" ", "").split(","), default=(), metavar="A,B,...")
    add("--junit", type=Path, metavar="FILE", help="with --wait: write the report of the run for the CI system")
    add = command("gate", gate, "phase")
    add("--commit", metavar="SHA")
    add("--accept", choices=["conditional"], help="exit 0 for a CONDITIONAL release that is in use")
    add = command("import", import_results)
    add("results", type=Path, nargs="+", metavar="FILE", help="JUnit XML of one suite")
    add("--coverage", type=Path, action="append", default=[], metavar="FILE", help="Cobertura XML; repeatable")
    add("--build", metavar="NAME")
    add("--commit", metavar="SHA")
    add = command("report", report, "run", run=int)
    add("--format", choices=list(FORMATS), default="junit")
    add("--output", type=Path, metavar="FILE")
    add = command("verify", verify, "file", file=Path)
    add("--key", type=Path, metavar="FILE", help="trusted public keys; else those of GATEHOUSE_URL")
    add("--status", type=Path, metavar="FILE", help="a signed status at most 24 hours old")
    add("--require-status", action="store_true")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; the exit code is the answer."""
    screen, options = Screen(out=sys.stdout, way=sys.stderr), _parser().parse_args(arguments)
    try:
        return int(options.carry_out(options, screen))
    except Stop as stop:
        screen.note(str(stop))
        for one in _rows(stop.problem, "errors"):
            screen.note(f"{plain(one.get('pointer') or one.get('parameter'))}: {plain(one.get('detail'))}")
        return stop.exit_code
    except KeyboardInterrupt:
        screen.note("interrupted; a run that was asked for goes on")
    except Exception as fault:  # noqa: BLE001 - Python's own exit code for it would be 1, which is a verdict
        screen.note(plain(fault) if isinstance(fault, OSError) else f"{type(fault).__name__}: {plain(fault)}")
    return ERROR


if __name__ == "__main__":
    sys.exit(main())

"""A real SMTP server on this machine that takes letters, refuses, hangs or talks nonsense, as a test asks it to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


class MailServer(socketserver.ThreadingTCPServer):
    """`behaviour`: "takes", "full" (refuses everybody), "knows nobody" (refuses a.gone@ alone), "hangs", "drips",
    "babbles", or "swallows" (keeps the letter and never says so).
    """

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.behaviour = "takes"
        self.letters: list[EmailMessage] = []
        self.connection_count = 0
        self.over = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """As GATEHOUSE_MAIL_URL names it."""
        return f"smtp://127.0.0.1:{self.port}"


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """Say what the behaviour asks for, until the client leaves or the server is over."""
        server = cast("MailServer", self.server)
        server.connection_count += 1
        if server.behaviour == "full":
            self._say("421 no room")
        elif server.behaviour == "babbles":
            self.wfile.write(b"\x00\xff\xfe nonsense \n" * 40)
        elif server.behaviour == "hangs":
            server.over.wait(30)
        elif server.behaviour == "drips":
            self._drip(server)
        else:
            self._say("220 here")
            for line in self.rfile:
                if not self._answer(server, line.decode(errors="replace").strip()):
                    return

    def _answer(self, server: MailServer, line: str) -> bool:
        verb = line.upper()[:4]
        if verb == "QUIT":
            self._say("221 bye")
            return False
        if verb == "RCPT" and server.behaviour == "knows nobody" and "gone@" in line:
            self._say("550 no such person")
        elif verb == "DATA":
            self._say("354 go on")
            server.letters.append(self._letter())
            if server.behaviour == "swallows":
                server.over.wait(30)
                return False
            self._say("250 taken")
        else:
            self._say("250 yes")
        return True

    def _letter(self) -> EmailMessage:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def _drip(self, server: MailServer) -> None:
        """One sign after the other, each in time, and never a whole line."""
        try:
            while not server.over.wait(0.05):
                self.wfile.write(b"2")
                self.wfile.flush()
        except OSError:
            return

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """One that is gone at the end, with everybody it still talks to."""
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()

"""The product's web server on the database of the test, which can be killed and started again on the same port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

from console.tests.waiting import PATIENT_SECONDS, wait_until

READY_SECONDS = 60.0


class LiveConsole:
    """gunicorn as `up` starts it, with one process of a few threads."""

    def __init__(self) -> None:
        self._port_holder = socket.socket()  # it answers nobody; while it is open, only who shares the port may have it
        self._port_holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._port_holder.bind(("127.0.0.1", 0))
        self.port = self._port_holder.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--threads", "4", "--reuse-port"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, "--no-control-socket", "console.wsgi:application"],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "console.settings"},
            start_new_session=True,
        )
        try:
            wait_until(self._answers, timeout_seconds=READY_SECONDS, what="the web server")
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL for it and everything it started."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._port_holder.close()

    def _answers(self) -> bool:
        assert self._process.poll() is None, "the web server ended"
        try:
            address = f"{self.url}/api/v1/client.py.sha256"
            with urlopen(address, timeout=PATIENT_SECONDS) as answer:  # noqa: S310 - our own address
                return bool(answer.status == 200)
        except OSError:  # not listening yet, or too slow to answer
            return False

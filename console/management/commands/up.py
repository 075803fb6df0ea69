"""`manage.py up`: put everything in place, then serve with a task worker until stopped."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.kernel.checks import INSTALLATION
from console.kernel.triggers import TriggersDamaged
from console.supervisor import address, storage_lock
from console.supervisor.early import BadPort, port_of
from console.supervisor.loop import NeverReady, Supervisor
from console.supervisor.preparation import RestoreUnfinished, prepare

_REFUSALS = (
    storage_lock.StorageInUse,
    address.PortTaken,
    BadPort,
    TriggersDamaged,
    RestoreUnfinished,
    NeverReady,
)


class Command(BaseCommand):
    """Everything in one command; `make run` calls it."""

    help = "Migrates, creates what an empty storage needs, and runs web server and task worker as one group."
    requires_system_checks = [INSTALLATION]  # for everything that it starts

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--port` and `--with-parent`."""
        parser.add_argument(
            "--port", type=int, default=None, help="port on 127.0.0.1 (default: PORT or 8000; 0: any free one)"
        )
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started this one ends (make run)"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Hold storage and port, prepare, run. A refusal is one sentence and exit code 1."""
        parent = os.getppid() if options["with_parent"] else None
        os.umask(0o077)  # database, journals and evidence are nobody else's to read
        try:
            port = port_of(os.environ, asked=options["port"])
            with (
                storage_lock.held(storage=settings.STORAGE, address=f"http://{address.LOOPBACK}:{port}/"),
                address.listen(port=port) as listener,
            ):
                supervisor = Supervisor(listener=listener, say=self._say, parent=parent)
                prepare(say=self._say)
                supervisor.run()
        except _REFUSALS as refusal:
            raise CommandError(str(refusal)) from refusal
        except KeyboardInterrupt:
            self._say("Stopped before anything was started.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

"""Whole installations for tests, each on a storage of its own, driven by commands as their owner would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from console.tests.test_environment import ROOT
from console.tests.waiting import PATIENT_SECONDS

SET_UP = """
import sys
import django
django.setup()
from pathlib import Path
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from console.first_logins import create_first_logins
from console.kernel import audit, governance_journal
from console.kernel.models import Person, RoleGrant
from console.supervisor.preparation import create_live_journal, prepare_signing_key
call_command("migrate", verbosity=0)
create_live_journal(say=print)
prepare_signing_key(say=print)
create_first_logins(storage=settings.STORAGE)
governance_journal.begin()
from console.tests.signing.releases import release
for certificate in sys.argv[1:]:
    Path(certificate).write_text(release().certificate.envelope)
people = [*Person.objects.all(), *RoleGrant.objects.all()]  # tests make people without the actions that record them
with transaction.atomic():
    audit.record(actor=None, act="test.people", object="people", rows=people)
"""
WORKER = "console.tests.backup.worker"


class Installation:
    """An installation on this storage; it need not exist yet."""

    def __init__(self, storage: Path, **environment: str) -> None:
        self.storage = storage
        named = {"GATEHOUSE_STORAGE": str(storage), "DJANGO_SETTINGS_MODULE": "console.tests.installation_settings"}
        self.environment = dict(os.environ) | named | environment

    def set_up(self, *certificates: Path) -> Installation:
        """What the first start of `up` puts in place; for each file, people release phase 5a and write it there."""
        made = self._python("-c", SET_UP, *map(str, certificates))
        assert made.returncode == 0, made.stderr
        return self

    def manage(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a management command."""
        return self._python("manage.py", *map(str, arguments))

    def start_worker(self) -> subprocess.Popen[str]:
        """Start working without pause."""
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", WORKER],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENT_SECONDS,
        )

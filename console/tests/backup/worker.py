"""Works on an installation without pause, and says what is done: `python -m console.tests.backup.worker`.

Each turn stores a piece of evidence, moves credits, and writes both into the audit chain; every twentieth rotates the
signing key. One line per turn once all of it is durable: index of the audit entry, digest of the evidence, seq of the
live journal's last event, key in use.
"""

from __future__ import annotations

import itertools
import os
import sys

import django


def main() -> None:
    """Work until killed."""
    django.setup()
    from django.db import transaction

    from console.actions.keys import rotate_signing_key
    from console.certificates import known_keys
    from console.kernel import audit
    from console.kernel.acts import Actor
    from console.kernel.models import Person
    from ledger import commands
    from ledger.actions import live_ledger
    from testruns.evidence import store

    administrator = Actor(person=Person.objects.get(username="admin"), via="command")
    ledger = live_ledger()
    name = f"agent-{os.getpid()}"
    ledger.execute(
        commands.CreateAgent(agent=name, initial_micros=10**12), key=name, actor="cli:test", correlation="load"
    )
    for number in itertools.count():
        evidence = store(content=f"{name} {number} ".encode() * (number % 500), media_type="text/plain")
        answer = ledger.execute(
            commands.Consume(agent=name, amount_micros=1_000_000 + number, reason="under load"),
            key=f"{name}-{number}",
            actor="cli:test",
            correlation="load",
        )
        if number % 20 == 19:
            rotate_signing_key(actor=administrator)
        seq = answer.events[-1].seq
        with transaction.atomic():
            entry = audit.record(
                actor=administrator, act="load.turn", object=evidence.digest, after={"seq": seq, "number": number}
            )
        sys.stdout.write(f"{entry.index} {evidence.digest} {seq} {max(known_keys())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

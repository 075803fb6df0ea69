"""Fill an empty storage for the benchmark; says on stdout, as one JSON line, what the clients need.

A program of its own, because the storage is chosen by the environment: python -m console.bench.preparing RUNS TOKENS
"""

from __future__ import annotations

import json
import sys

import django


def fill(*, run_count: int, token_count: int) -> dict[str, object]:
    """Everything an installation has after its first start, then runs and tokens. The first run waits: nobody works."""
    from console.actions.tokens import create_token
    from console.bench.rows import make_runs
    from console.kernel.acts import Actor
    from console.kernel.models import Person
    from console.kernel.scopes import Scope
    from console.supervisor.preparation import prepare
    from testruns.models import Run

    prepare(say=lambda line: None)
    tester = Person.objects.get(username="tester")
    actor = Actor(person=tester, via="console")
    tokens = [
        create_token(actor=actor, name=f"benchmark {number}", scopes=[*Scope], days=1).text
        for number in range(token_count)
    ]
    waiting = Run.objects.get()
    judged = make_runs(person=tester, count=run_count)
    return {"tokens": tokens, "waiting": waiting.pk, "judged": judged.pk}


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(fill(run_count=int(sys.argv[1]), token_count=int(sys.argv[2]))) + "\n")

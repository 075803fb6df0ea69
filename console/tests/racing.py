"""Several acts in the same moment, each in a thread and on a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections

from console.kernel.errors import GatehouseError
from console.tests.waiting import PATIENT_SECONDS


def at_once(acts: Sequence[Callable[[], Any]], *, refusal: type[Exception] = GatehouseError) -> list[Any]:
    """Release all acts together; what each returned, or its refusal, in the order in which they came.

    AssertionError when one of them failed otherwise, or is not back in time.
    """
    start, answers = threading.Barrier(len(acts)), list[Any]()

    def run(act: Callable[[], Any]) -> None:
        start.wait()
        try:
            answers.append(act())
        except refusal as refused:
            answers.append(refused)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENT_SECONDS)
    assert len(answers) == len(acts)
    return answers

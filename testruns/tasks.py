"""The queue's door: one task, an id in, nothing out. The row is the truth, the task only a messenger."""

from __future__ import annotations

import logging
from typing import Any

from testruns.actions import execute
from testruns.evidence import sweep_incoming

logger = logging.getLogger(__name__)


def execute_scenario(execution_id: int) -> None:
    """Execute one scenario execution if it is still QUEUED; a message delivered twice does nothing."""
    execute(execution_id=execution_id)


def begin_worker(**_: Any) -> None:
    """What a worker process does before its first task: clear away what killed writers of evidence left."""
    try:
        sweep_incoming()
    except OSError:
        logger.exception("half-written evidence files could not be deleted; the next worker tries again")

"""What a worker process of the queue does before its first task; it loads nothing that only the tasks need."""

from __future__ import annotations

import logging

from testruns.evidence import sweep_incoming

logger = logging.getLogger(__name__)


def begin_worker() -> None:
    """Clear away what killed writers of evidence left."""
    try:
        sweep_incoming()
    except OSError:
        logger.exception("half-written evidence files could not be deleted; the next worker tries again")

"""The queue's door: one task, an id in, nothing out. The row is the truth, the task only a messenger."""

from __future__ import annotations

from testruns.actions import execute


def execute_scenario(execution_id: int) -> None:
    """Execute one scenario execution if it is still QUEUED; a message delivered twice does nothing."""
    execute(execution_id=execution_id)

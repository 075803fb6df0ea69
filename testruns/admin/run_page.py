"""What the page of a run shows: the run as every reader sees it, with the acts this reader is offered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from console.kernel.authority import Role
from testruns.admin.offers import Offer, again_offer, attempt_offer, cancel_execution_offer, cancel_offer
from testruns.reading import ExecutionLine, RunView, read_run


@dataclass(frozen=True, kw_only=True, slots=True)
class OfferedExecution(ExecutionLine):
    """One scenario execution with its buttons."""

    again: Offer | None
    stop: Offer | None

    @property
    def again_id(self) -> str:
        """The id of its button on the page, so that focus survives an update."""
        return f"again-{self.execution.pk}"

    @property
    def stop_id(self) -> str:
        """As `again_id`."""
        return f"stop-{self.execution.pk}"


@dataclass(frozen=True, kw_only=True)
class RunPage(RunView):
    """Everything the page of one run shows."""

    executions: tuple[OfferedExecution, ...]
    again: Offer | None
    stop: Offer | None

    @property
    def is_stopping(self) -> bool:
        """Whether all that is left was asked to stop and has not stopped yet."""
        return self.is_live and self.stop is None


def read_run_page(*, run_id: int, roles: Iterable[Role]) -> RunPage | None:
    """Read one run for its page; None when there is no such run."""
    view = read_run(run_id=run_id)
    if view is None:
        return None
    run, roles = view.run, frozenset(roles)
    lines = tuple(
        OfferedExecution(
            **_parts(line),
            again=attempt_offer(run=run, execution=line.execution, roles=roles),
            stop=cancel_execution_offer(execution=line.execution, roles=roles),
        )
        for line in view.executions
    )
    stop = cancel_offer(run=run, executions=[line.execution for line in lines], roles=roles)
    return RunPage(**_parts(view) | {"executions": lines}, again=again_offer(run=run, roles=roles), stop=stop)


def _parts(whole: RunView | ExecutionLine) -> dict[str, Any]:
    return {field.name: getattr(whole, field.name) for field in fields(whole)}

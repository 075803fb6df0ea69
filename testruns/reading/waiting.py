"""Why the scenario executions of a run wait: asked once for the first of them, since the rest wait behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from testruns import actions
from testruns.models import ScenarioExecution
from testruns.run_states import ExecutionState


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A place in the line, 1 being next, and the reason in the reader's language."""

    position: int
    reason: str

    @property
    def place(self) -> str:
        """The place alone."""
        return _("Next in line.") if self.position == 1 else _("Place %(number)s in line.") % {"number": self.position}


def waiting_of(*, executions: Sequence[ScenarioExecution]) -> dict[int, Waiting]:
    """The waiting executions of one run by id. A constant number of queries, none when nothing waits."""
    queued = [execution for execution in executions if execution.state == ExecutionState.QUEUED]
    if not queued:
        return {}
    first = actions.waiting_position(execution=queued[0])
    if first is None:
        return {}
    reason = behind = _(first.reason) % first.params
    if first.position == 1 and first.reason in (actions.NEXT, actions.MACHINE_TAKEN):
        behind = _(actions.BEHIND_QUEUE) % {"scenario": queued[0].scenario, "run": queued[0].run_id}
    return {
        execution.pk: Waiting(position=position, reason=behind if index else reason)
        for index, (position, execution) in enumerate(enumerate(queued, start=first.position))
    }

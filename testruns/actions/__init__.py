"""What doors may do with runs. Every function here is one act: authority, rows and audit entry in one transaction."""

from .attempting import attempt_again
from .cancelling import cancel_execution, cancel_run
from .execution import execute
from .judging import freeze_for_release, freeze_run, judge_run
from .overlaying import overlay_of
from .policies import active_policy, ensure_shipped_policy, last_editor_of, rules_of
from .queueing import queue_is_stuck
from .reaping import reap
from .requesting import plan_of, request_driven_run, request_run, run_again
from .waiting import Waiting, waiting_position
from .watching import Surroundings

__all__ = [
    "Surroundings",
    "Waiting",
    "active_policy",
    "attempt_again",
    "cancel_execution",
    "cancel_run",
    "ensure_shipped_policy",
    "execute",
    "freeze_for_release",
    "freeze_run",
    "judge_run",
    "last_editor_of",
    "overlay_of",
    "plan_of",
    "queue_is_stuck",
    "reap",
    "request_driven_run",
    "request_run",
    "rules_of",
    "run_again",
    "waiting_position",
]

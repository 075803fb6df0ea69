"""What doors may do with runs. Every function here is one act: authority, rows and audit entry in one transaction."""

from .attempting import attempt_again, attempt_run_again
from .builds import builds_that_ran, runs_of
from .cancelling import cancel_execution, cancel_run
from .execution import execute
from .importing import BroughtReport, BroughtResults, import_results, read_results
from .judging import freeze_for_release, freeze_run, judge_run
from .overlaying import overlay_of
from .policies import active_policy, ensure_shipped_policies, last_editor_of, rules_of
from .policy_drafts import (
    activate_policy,
    draft_policy,
    edit_draft,
    editors_of,
    open_draft,
    reopen_draft,
    rules_of_draft,
    submit_draft,
    withdraw_draft,
)
from .queueing import queue_is_stuck
from .reaping import reap
from .refusals import RunUnreadable
from .requesting import Site, plan_of, read_site, request_driven_run, request_run, run_again
from .verifying import is_altered
from .waiting import BEHIND_QUEUE, MACHINE_TAKEN, NEXT, Waiting, waiting_position
from .watching import Surroundings

__all__ = [
    "BEHIND_QUEUE",
    "MACHINE_TAKEN",
    "NEXT",
    "BroughtReport",
    "BroughtResults",
    "RunUnreadable",
    "Site",
    "Surroundings",
    "Waiting",
    "activate_policy",
    "active_policy",
    "attempt_again",
    "attempt_run_again",
    "builds_that_ran",
    "cancel_execution",
    "cancel_run",
    "draft_policy",
    "edit_draft",
    "editors_of",
    "ensure_shipped_policies",
    "execute",
    "freeze_for_release",
    "freeze_run",
    "import_results",
    "is_altered",
    "judge_run",
    "last_editor_of",
    "open_draft",
    "overlay_of",
    "plan_of",
    "queue_is_stuck",
    "read_results",
    "read_site",
    "reap",
    "reopen_draft",
    "request_driven_run",
    "request_run",
    "rules_of",
    "rules_of_draft",
    "run_again",
    "runs_of",
    "submit_draft",
    "waiting_position",
    "withdraw_draft",
]

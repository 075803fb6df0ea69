"""The acts a page offers: a button, or the reason why there is none to press (governance.md 8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from console.kernel.authority import ROLE_LABELS, Act, Role, may, who_may
from testruns.models import Run, ScenarioExecution
from testruns.plan import IMPORT_PROFILE
from testruns.run_states import ExecutionState, RunState


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """An act at an address; `why_not` is empty when it can be done, else the sentence beside the disabled button."""

    url: str
    why_not: str = ""


def _why_not_by_role(act: Act, roles: frozenset[Role]) -> str:
    if may(act=act, roles=roles):
        return ""
    names = ", ".join(_(ROLE_LABELS[role]) for role in who_may(act=act))
    return _("This takes one of these roles: %(roles)s.") % {"roles": names}


def again_offer(*, run: Run, roles: frozenset[Role]) -> Offer | None:
    """Request the same run again, with the same seed; None for results from elsewhere, which never ran here."""
    if run.profile == IMPORT_PROFILE:
        return None
    url = reverse("admin:testruns_run_again", args=[run.pk])
    return Offer(url=url, why_not=_why_not_by_role(Act.REQUEST_RUN, roles))


def cancel_offer(*, run: Run, executions: Sequence[ScenarioExecution], roles: frozenset[Role]) -> Offer | None:
    """Cancel a run; None when there is nothing left to cancel, or all that is left was asked to stop."""
    if run.state not in (RunState.QUEUED, RunState.RUNNING) or not any(map(_may_be_stopped, executions)):
        return None
    url = reverse("admin:testruns_run_cancel", args=[run.pk])
    return Offer(url=url, why_not=_why_not_by_role(Act.CANCEL_RUN, roles))


def cancel_execution_offer(*, execution: ScenarioExecution, roles: frozenset[Role]) -> Offer | None:
    """Cancel one scenario of a run; None when it has come to its end or is asked to stop already."""
    if not _may_be_stopped(execution):
        return None
    url = reverse("admin:testruns_execution_cancel", args=[execution.pk])
    return Offer(url=url, why_not=_why_not_by_role(Act.CANCEL_RUN, roles))


def _may_be_stopped(execution: ScenarioExecution) -> bool:
    return not ExecutionState(execution.state).is_terminal and execution.cancel_requested_at is None


def attempt_offer(*, run: Run, execution: ScenarioExecution, roles: frozenset[Role]) -> Offer | None:
    """Attempt a scenario again that ended without finishing; None for one that has nothing to repeat."""
    if not ExecutionState(execution.state).may_be_attempted_again:
        return None
    url = reverse("admin:testruns_execution_again", args=[execution.pk])
    if run.is_frozen or run.state == RunState.CANCELLED:
        return Offer(url=url, why_not=_("The run is closed. Run it again with the same seed instead."))
    return Offer(url=url, why_not=_why_not_by_role(Act.ATTEMPT_AGAIN, roles))

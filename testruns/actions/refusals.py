"""The refusals of the machine side: one class each, with a code that never changes."""

from __future__ import annotations

from console.kernel.errors import GatehouseError, WrongState
from ledger import gettext_noop


class NoActivePolicy(WrongState):
    """There is nothing to judge by."""

    code = "no-active-policy"
    message = gettext_noop("No gate policy is active. Activate one, then request the run again.")


class DiskTooFull(GatehouseError):
    """The run would not fit on the disk."""

    code = "disk-too-full"
    message = gettext_noop(
        "The run does not fit on the disk: it and the runs that wait need %(needed)s GiB, %(free)s GiB of "
        "%(total)s GiB are free. Afterwards %(used_percent)s %% would be used and %(left)s GiB free; "
        "at most %(used_percent_max)s %% or at least %(left_min)s GiB are asked for. "
        "Make room or ask for a shorter run."
    )


class RunFrozen(WrongState):
    """The run was judged for good."""

    code = "run-frozen"
    message = gettext_noop("Run %(run)s is frozen: what was judged does not change. Request a new run instead.")


class RunOver(WrongState):
    """There is nothing left to cancel."""

    code = "run-over"
    message = gettext_noop("Run %(run)s is %(state)s: there is nothing left to cancel.")


class ExecutionOver(WrongState):
    """This scenario has already ended."""

    code = "execution-over"
    message = gettext_noop("%(scenario)s of run %(run)s is %(state)s: there is nothing left to cancel.")


class NotToBeAttemptedAgain(WrongState):
    """Only what ended without finishing is attempted again."""

    code = "not-to-be-attempted-again"
    message = gettext_noop(
        "%(scenario)s of run %(run)s is %(state)s. Only a scenario that ended without finishing is attempted again."
    )


class TooLateToAttemptAgain(WrongState):
    """The day in which an unfinished run may be completed is over."""

    code = "too-late-to-attempt-again"
    message = gettext_noop(
        "Run %(run)s ended more than %(hours)s hours ago and is final. Request a new run with the same seed instead."
    )


class StillDriven(WrongState):
    """The command that executes this run has not come to its end."""

    code = "still-driven"
    message = gettext_noop("Run %(run)s is still executed by a command. Attempt again when it has ended.")

"""The refusals of the machine side: one class each, with a code that never changes."""

from __future__ import annotations

from console.kernel.errors import GatehouseError, InvalidInput, WrongState
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


class OtherBuild(GatehouseError):
    """The commit that was named is not the one that is installed here, or not without changes."""

    code = "other-build"
    message = gettext_noop(
        "This console judges the build it was started from, which is %(found)s and not %(commit)s. "
        "No run was requested."
    )
    words = ("found",)


class ImportedNotRun(WrongState):
    """Results from elsewhere were never run here."""

    code = "imported-not-run"
    message = gettext_noop(
        "Run %(run)s holds results that were brought from elsewhere: there is nothing to run again here. "
        "Run the suite where it lives and import its results."
    )


class RunFrozen(WrongState):
    """The run is closed for good: judged, cancelled as a whole, or unfinished and bound to a request or too old."""

    code = "run-frozen"
    message = gettext_noop("The run is closed. Run it again with the same seed instead.")


class RunUnreadable(GatehouseError):
    """A row of a run holds what was never written, so nothing rests on the run."""

    code = "run-unreadable"
    message = gettext_noop(
        "What is stored about run #%(run)s cannot be read, so nothing can be decided on it. An engineer finds what was "
        "altered with manage.py verify_audit."
    )


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


class NothingToAttemptAgain(WrongState):
    """Every scenario of the run finished, waits or works."""

    code = "nothing-to-attempt-again"
    message = gettext_noop("Run %(run)s is %(state)s: no scenario of it ended without finishing.")


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


class DraftExists(WrongState):
    """There is one open draft at a time, so that everybody edits and compares the same one."""

    code = "policy-draft-exists"
    message = gettext_noop("A draft of policy %(number)s is open already. Edit it, or withdraw it first.")


class DraftInWrongState(WrongState):
    """The draft is not where this can be done."""

    code = "policy-draft-state"
    message = gettext_noop("The draft of policy %(number)s is %(state)s: this cannot be done now.")


class DraftChanged(WrongState):
    """Somebody saved between a person's look and their act."""

    code = "policy-draft-changed"
    message = gettext_noop(
        "The draft of policy %(number)s was changed meanwhile. Nothing of yours was saved: look at it, then repeat it."
    )


class DraftChangesNothing(WrongState):
    """A policy that judges like the active one is none."""

    code = "policy-draft-changes-nothing"
    message = gettext_noop("The draft judges exactly like policy %(number)s. Change something or withdraw it.")


class PolicyMovedOn(WrongState):
    """Another policy became active since the draft began, so its comparison is no longer true."""

    code = "policy-moved-on"
    message = gettext_noop("Policy %(number)s, which the draft began from, is no longer active. Withdraw the draft.")


class EditorCannotActivate(GatehouseError):
    """Activating takes a person who did not draft or edit."""

    code = "policy-editor-cannot-activate"
    message = gettext_noop("%(person)s drafted or edited this policy. Another person must activate it.")


class ReasonTooShort(InvalidInput):
    """A reason that says too little."""

    code = "draft-reason-too-short"
    message = gettext_noop("Give a reason of at least %(least)s characters; this one has %(length)s.")

"""The refusals of releases: one class each, with a code that never changes."""

from __future__ import annotations

from console.kernel.errors import GatehouseError, WrongState
from ledger import gettext_noop


class OpenAlready(WrongState):
    """A phase has one open request at a time."""

    code = "open-already"
    message = gettext_noop("A request for phase %(phase)s is open already: #%(request)s. Decide or withdraw it first.")


class PhaseInUse(WrongState):
    """The phase was in use before there were releases."""

    code = "phase-in-use"
    message = gettext_noop("Phase %(phase)s is in use already: there is nothing to release.")


class RequestExpired(WrongState):
    """The time for a decision is over."""

    code = "request-expired"
    message = gettext_noop("Request #%(request)s expired without a decision. Open a new one.")


class RequestOver(WrongState):
    """The request is decided or withdrawn."""

    code = "request-over"
    message = gettext_noop("Request #%(request)s is %(state)s: this cannot be done any more.")


class ReleaseOver(WrongState):
    """The release lapsed, was revoked or replaced, or there never was one."""

    code = "release-over"
    message = gettext_noop("The release by request #%(request)s is %(state)s. It takes a new request.")


class ChangedMeanwhile(WrongState):
    """Somebody else wrote in the same moment."""

    code = "changed-meanwhile"
    message = gettext_noop("Somebody else changed request #%(request)s in the same moment. Look again.")


class OtherDecision(WrongState):
    """There is a decision, and it is another one or another person's."""

    code = "other-decision"
    message = gettext_noop("Request #%(request)s was decided %(word)s by %(person)s. Nothing was changed.")


class WordNotAllowed(WrongState):
    """Against the machine's recommendation only downwards."""

    code = "word-not-allowed"
    message = gettext_noop("The runs recommend %(recommendation)s: %(word)s is more than that. Possible: %(allowed)s.")


class ChecklistRed(WrongState):
    """Items of the checklist stand against this decision."""

    code = "checklist-red"
    message = gettext_noop("The checklist stands against %(word)s: %(items)s.")


class EvidenceAltered(WrongState):
    """What the manifest names is no longer what it was."""

    code = "evidence-altered"
    message = gettext_noop("The evidence is not what the manifest names: %(what)s. Nothing was signed.")


class ManifestAltered(GatehouseError):
    """Its text does not have the digest that was signed."""

    code = "manifest-altered"
    message = gettext_noop("the manifest of request #%(request)s")


class RunAltered(GatehouseError):
    """Its rows do not make the manifest that was bound."""

    code = "run-altered"
    message = gettext_noop("run #%(run)s")


class ReviewIncomplete(WrongState):
    """A review cannot be signed with parts missing."""

    code = "review-incomplete"
    message = gettext_noop("The review is not complete: %(missing)s.")
    words = ("missing",)


class ReviewSigned(WrongState):
    """A signed review does not change."""

    code = "review-signed"
    message = gettext_noop(
        "Review R%(review)s is signed and does not change. Withdraw the sign-off and write a new one."
    )


class NotYours(GatehouseError):
    """Only the person it belongs to does this."""

    code = "not-yours"
    message = gettext_noop("%(what)s belongs to %(owner)s: only they can do this.")


class NotWithdrawable(WrongState):
    """A decision is revoked, and a withdrawn sign-off is withdrawn already."""

    code = "not-withdrawable"
    message = gettext_noop("This sign-off cannot be withdrawn: %(reason)s.")
    words = ("reason",)


class ConditionClosed(WrongState):
    """Closed and confirmed."""

    code = "condition-closed"
    message = gettext_noop("Condition %(condition)s is closed already.")


class NothingToConfirm(WrongState):
    """Its owner has not closed the condition."""

    code = "nothing-to-confirm"
    message = gettext_noop("Condition %(condition)s has not been closed by %(owner)s yet.")


class NoProof(GatehouseError):
    """What was handed in does not close this condition."""

    code = "no-proof"
    message = gettext_noop("This does not close the condition: %(reason)s.")
    words = ("reason",)


class NotWaivable(GatehouseError):
    """Correctness, duration and missing data cannot be waived."""

    code = "not-waivable"
    message = gettext_noop("Rule %(rule)s cannot be waived: %(reason)s")


class WaiverAnswered(WrongState):
    """Somebody answered it before."""

    code = "waiver-answered"
    message = gettext_noop("Waiver W-%(waiver)s was answered by %(person)s already.")


class WaiverExpired(WrongState):
    """Its time was over before anybody answered."""

    code = "waiver-expired"
    message = gettext_noop("Waiver W-%(waiver)s expired. Request a new one.")


class OwnWaiverAnswer(GatehouseError):
    """Nobody approves their own waiver."""

    code = "own-waiver-answer"
    message = gettext_noop("You asked for waiver W-%(waiver)s: another person answers it.")


class NoStandingRelease(WrongState):
    """A capability needs one to be switched on."""

    code = "no-standing-release"
    message = gettext_noop("%(capability)s needs a standing release of phase %(phase)s, which is: %(state)s.")
    words = ("capability", "state")


class OtherBuildReleased(WrongState):
    """The release that stands is of a build other than the running one."""

    code = "other-build-released"
    message = gettext_noop("Phase %(phase)s is released for %(build)s, which is not the build that runs here.")


class NotBuiltYet(WrongState):
    """This version has no such capability."""

    code = "not-built-yet"
    message = gettext_noop("%(capability)s is not built yet: a release of phase %(phase)s switches nothing on.")
    words = ("capability",)


class SwitchedAlready(WrongState):
    """It is on or off already."""

    code = "switched-already"
    message = gettext_noop("%(capability)s is like that already.")
    words = ("capability",)


class PhaseEditWaits(WrongState):
    """One proposal of a phase waits at a time."""

    code = "phase-edit-waits"
    message = gettext_noop(
        "Definition %(number)s of phase %(phase)s waits for an answer. Activate or withdraw it first."
    )


class PhaseEditAnswered(WrongState):
    """Somebody answered it before."""

    code = "phase-edit-answered"
    message = gettext_noop("Definition %(number)s of phase %(phase)s was answered by %(person)s already.")


class PhaseEditChangesNothing(WrongState):
    """What was proposed is in force."""

    code = "phase-edit-changes-nothing"
    message = gettext_noop("Phase %(phase)s is defined like that already. Nothing was proposed.")


class OwnPhaseEdit(GatehouseError):
    """Nobody puts their own proposal in force."""

    code = "own-phase-edit"
    message = gettext_noop("You proposed definition %(number)s of phase %(phase)s: another person activates it.")

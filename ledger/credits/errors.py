"""Refusals of the credit domain: one class per reason, each with a stable code, none leaves an event."""

from __future__ import annotations

from ledger.engine.errors import LedgerError, Rejected
from ledger.engine.messages import gettext_noop


class InvalidAmount(Rejected):
    """An amount that is no positive number of credits with at most six decimals."""

    code = "invalid-amount"
    message = gettext_noop("The amount %(amount)s is refused: %(why)s.")


class AmountTooLarge(Rejected):
    """A command amount past 2^53 micro-credits, which canonical JSON could not carry exactly."""

    code = "amount-too-large"
    message = gettext_noop("The amount %(amount)s is past the largest an order may carry, %(limit)s credits.")


class TotalTooLarge(Rejected):
    """A movement after which an account would no longer fit into 63 bits."""

    code = "total-too-large"
    message = gettext_noop("The account %(account)s would pass the largest total of %(limit)s credits.")


class InvalidSkill(Rejected):
    """A skill outside 0..1."""

    code = "invalid-skill"
    message = gettext_noop(
        "The skill %(skill)s is refused: it must be a plain decimal number from 0 to 1 with at most six decimals "
        "(0 to 1,000,000 millionths)."
    )


class InvalidShare(Rejected):
    """A fraction that is no integer of millionths between 0 and 1,000,000."""

    code = "invalid-share"
    message = gettext_noop("%(field)s is refused: it must be a whole number of millionths from 0 to 1,000,000.")


class InvalidIdentifier(Rejected):
    """A name that cannot be stored or told apart safely."""

    code = "invalid-identifier"
    message = gettext_noop("%(field)s is refused as a name: %(why)s.")


class InvalidText(Rejected):
    """A text that is missing, too long or unprintable."""

    code = "invalid-text"
    message = gettext_noop("%(field)s is refused: %(why)s.")


class ReasonTooShort(Rejected):
    """A reason shorter than the ten characters this act asks for."""

    code = "reason-too-short"
    message = gettext_noop("%(field)s needs at least %(least)s characters, it has %(length)s.")


class InvalidChoice(Rejected):
    """A value that is none of the offered ones."""

    code = "invalid-choice"
    message = gettext_noop("%(field)s is refused: it must be one of %(choices)s.")


class InvalidCount(Rejected):
    """A number that is no whole number within its bounds."""

    code = "invalid-count"
    message = gettext_noop("%(field)s is refused: it must be a whole number from %(low)s to %(high)s.")


class UnknownCommand(LedgerError):
    """An object that is none of the credit commands."""

    code = "unknown-command"
    message = gettext_noop("%(command)s is not a credit command.")


class MissingKey(Rejected):
    """A command without an idempotency key."""

    code = "missing-key"
    message = gettext_noop(
        "A command needs an idempotency key: without one a retry could not be told from a second order."
    )


class UnknownAgent(Rejected):
    """An account nobody created."""

    code = "unknown-agent"
    message = gettext_noop("There is no account %(account)s. Create the agent first.")


class AgentExists(Rejected):
    """An agent created again with another key or other content."""

    code = "agent-exists"
    message = gettext_noop("The agent %(agent)s exists already and keeps its balance.")


class InsufficientCredits(Rejected):
    """Spending more than there is."""

    code = "insufficient-credits"
    message = gettext_noop("The agent %(agent)s has %(balance)s credits, %(amount)s were asked for.")


class NothingToWithdraw(Rejected):
    """A withdrawal by severity that comes to nothing."""

    code = "nothing-to-withdraw"
    message = gettext_noop("The agent %(agent)s has too little to withdraw a share from.")


class SameAccount(Rejected):
    """A transfer from an agent to itself."""

    code = "same-account"
    message = gettext_noop("Payer and payee are both %(agent)s.")


class ApprovalExists(Rejected):
    """An approval requested again under the same name."""

    code = "approval-exists"
    message = gettext_noop("The approval %(request)s was requested already.")


class UnknownApproval(Rejected):
    """An approval nobody requested."""

    code = "unknown-approval"
    message = gettext_noop("There is no approval request %(request)s.")


class AlreadyDecided(Rejected):
    """A decision on a request that has its final state; the code is spelled as seed 000 asks for it."""

    code = "already_decided"
    message = gettext_noop("The approval %(request)s is already decided: %(state)s.")


class AlreadyApproved(Rejected):
    """The same person approving the same request twice."""

    code = "already-approved"
    message = gettext_noop("%(approver)s approved %(request)s already; the other approval must come from someone else.")


class SelfApproval(Rejected):
    """The requester deciding the own request."""

    code = "self-approval"
    message = gettext_noop("%(approver)s requested %(request)s and cannot decide it. The requester may cancel it.")


class NotRequester(Rejected):
    """Somebody else than the requester cancelling a request."""

    code = "not-requester"
    message = gettext_noop("Only %(requester)s, who requested %(request)s, may cancel it.")


class ApprovalOverdue(Rejected):
    """A decision after the request's deadline."""

    code = "approval-overdue"
    message = gettext_noop("The approval %(request)s was due by %(expires_at)s and can only expire now.")


class NotYetDue(Rejected):
    """Expiring a request whose deadline lies ahead."""

    code = "not-yet-due"
    message = gettext_noop("The approval %(request)s is open until %(expires_at)s.")


class AlreadyRecorded(Rejected):
    """A collaboration or reuse recorded again under the same name."""

    code = "already-recorded"
    message = gettext_noop("%(what)s was recorded already and is rewarded once.")


class SelfDealing(Rejected):
    """An agent that would be rewarded for working with itself."""

    code = "self-dealing"
    message = gettext_noop("%(agent)s cannot be rewarded for working with itself.")


class NotReusable(Rejected):
    """A similarity below the lowest tier of reuse."""

    code = "not-reusable"
    message = gettext_noop("A similarity of %(similarity)s millionths is below %(least)s: that is no reuse.")


class InvalidEndpoint(LedgerError):
    """A KARMA address this client cannot speak to."""

    code = "invalid-endpoint"
    message = gettext_noop("The KARMA address %(endpoint)s is refused: it must look like http://host:port.")


class UnreadableJournal(LedgerError):
    """A path that holds no journal this program can read."""

    code = "unreadable-journal"
    message = gettext_noop("%(path)s cannot be read as a journal: %(why)s.")


class JournalNotEmpty(LedgerError):
    """An import into a journal that holds credit events already."""

    code = "journal-not-empty"
    message = gettext_noop("An import needs a new journal, %(path)s holds events already.")

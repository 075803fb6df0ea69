"""What can be refused around subscriptions: one class each, a stable code, what, which one, what now."""

from ledger.engine.errors import LedgerError
from ledger.engine.messages import gettext_noop


class SubscriptionNameRefused(LedgerError):
    """The name could not be that of a file everywhere."""

    code = "subscription-name-refused"
    message = gettext_noop("%(name)s is no name for a subscription. Use a to z, 0 to 9 and -, at most 64 of them.")


class TypePatternRefused(LedgerError):
    """A wanted type is neither a type nor a family of types."""

    code = "type-pattern-refused"
    message = gettext_noop("%(pattern)s is neither a type such as credit.consumed nor a family such as credit.*.")


class UnknownSubscription(LedgerError):
    """Nobody subscribed under this name, or the subscription was taken away."""

    code = "unknown-subscription"
    message = gettext_noop("There is no subscription %(name)s at %(path)s.")


class SubscriptionRunning(LedgerError):
    """Another process delivers for this subscription; two would deliver everything twice."""

    code = "subscription-running"
    message = gettext_noop("Another process already delivers for the subscription %(name)s. Stop it first.")


class SubscriptionDamaged(LedgerError):
    """The file that keeps the position is not what was written; nobody can say what was delivered."""

    code = "subscription-damaged"
    message = gettext_noop("The position of %(name)s is damaged. Say where it goes on: ledger subscriptions --reset.")


class SubscriptionDiffers(LedgerError):
    """The position was reached with another filter: what that left out would silently be missing."""

    code = "subscription-differs"
    message = gettext_noop(
        "%(name)s was begun for %(recorded)s, not for %(wanted)s. Take another name, or reset it: "
        "ledger subscriptions --reset."
    )


class PositionElsewhere(LedgerError):
    """The journal holds another event at the position, or ends before it: it is another one, or an older copy."""

    code = "position-elsewhere"
    message = gettext_noop(
        "%(name)s stands at event %(seq)d of another history (this journal ends at %(head)d). "
        "Say where it goes on: ledger subscriptions --reset."
    )


class StreamNotParked(LedgerError):
    """There is nothing to go on with."""

    code = "stream-not-parked"
    message = gettext_noop("%(name)s has not parked the stream %(stream)s.")

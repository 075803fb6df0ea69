"""Why a repair is not carried out. Nothing was changed then."""

from ledger.engine.errors import LedgerError
from ledger.engine.messages import gettext_noop


class RepairNotOffered(LedgerError):
    """The journal has no damage that this repair mends."""

    code = "repair-not-offered"
    message = gettext_noop("%(kind)s is not what this journal needs. Possible now: %(offered)s. Nothing was changed.")


class JournalInUse(LedgerError):
    """Another process may write meanwhile."""

    code = "journal-in-use"
    message = gettext_noop(
        "The journal is open for writing in process %(process)s. Stop it first. Nothing was changed."
    )


class OtherRules(LedgerError):
    """Its events are not those of its rules, so their state cannot be folded here."""

    code = "other-rules"
    message = gettext_noop(
        "%(path)s holds events such as %(type)s, which are not those of a credit journal. Nothing was changed."
    )

"""Refusals of a journal that takes no writes."""

from ledger.engine.errors import LedgerError
from ledger.engine.messages import gettext_noop


class ReadOnlyNow(LedgerError):
    """The journal takes no writes until an engineer has looked at it; nothing was recorded. Reads work."""

    code = "read-only-now"
    message = gettext_noop(
        "The ledger takes no orders since %(since)s. It can be read. An engineer must let it be written again."
    )


class NotReadOnly(LedgerError):
    """There is nothing to leave."""

    code = "not-read-only"
    message = gettext_noop("The journal is not read-only; there is nothing to leave.")


class SoundnessUnknown(LedgerError):
    """Damage is on record, and nobody has read the whole journal since then and found it sound."""

    code = "soundness-unknown"
    message = gettext_noop(
        "Damage was found in the journal, and no verification since then found it sound. Repair it as ledger doctor "
        "says, verify it, and then let it be written again."
    )


class StillDamaged(LedgerError):
    """What made the journal read-only is still there."""

    code = "still-damaged"
    message = gettext_noop("The journal is still damaged. Repair it first: ledger doctor says how.")

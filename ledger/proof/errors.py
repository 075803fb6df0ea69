"""The refusals of checkpoints and exports."""

from ledger.engine.errors import LedgerError
from ledger.engine.messages import gettext_noop


class CheckpointRefused(LedgerError):
    """Base of what makes a checkpoint worthless."""

    code = "checkpoint-refused"
    message = gettext_noop("This checkpoint proves nothing.")


class CheckpointMalformed(CheckpointRefused):
    """The bytes are no signed checkpoint; ``field`` says where."""

    code = "checkpoint-malformed"
    message = gettext_noop("This is no signed checkpoint of a journal: %(field)s is missing or of the wrong form.")


class CheckpointOtherKey(CheckpointRefused):
    """Nobody who is trusted here has signed it."""

    code = "checkpoint-other-key"
    message = gettext_noop("The checkpoint was signed by none of the keys that are trusted here.")


class CheckpointSignatureWrong(CheckpointRefused):
    """A trusted key is named, but it did not sign this text."""

    code = "checkpoint-signature-wrong"
    message = gettext_noop("The signature does not fit the checkpoint: it was changed after signing.")


class OtherJournal(LedgerError):
    """The checkpoint or the file is about another journal."""

    code = "other-journal"
    message = gettext_noop("This is about journal %(found)s, not about journal %(expected)s.")


class HistoryCut(LedgerError):
    """The journal is shorter than what was signed."""

    code = "history-cut"
    message = gettext_noop(
        "The journal ends at event %(last)d, but the checkpoint of %(at)s says that it had %(size)d: its tail was cut "
        "off, or an older copy stands in its place."
    )


class HistoryChanged(LedgerError):
    """The journal is another one than what was signed, although it is sound in itself."""

    code = "history-changed"
    message = gettext_noop(
        "Event %(size)d is not the one that the checkpoint of %(at)s names: the history was written anew somewhere "
        "between event %(after)d and event %(size)d."
    )


class HistoryBroken(LedgerError):
    """The records between two checkpoints do not hold together, so nothing is signed."""

    code = "history-broken"
    message = gettext_noop(
        "No checkpoint can be signed: segment %(segment)s is damaged at line %(line)d. Run `ledger doctor`."
    )


class NothingRecorded(LedgerError):
    """There is no durable event yet."""

    code = "nothing-recorded"
    message = gettext_noop("%(path)s has no durable event yet, so there is nothing to sign.")


class ExportMalformed(LedgerError):
    """The file is no export of a journal."""

    code = "export-malformed"
    message = gettext_noop("%(path)s is no export of a journal: %(reason)s.")

"""Every refusal and failure of the engine: one class each, a stable code, a translatable template with named values."""

from typing import ClassVar, Self

from ledger.engine.messages import gettext_noop


class LedgerError(Exception):
    """Base of everything the ledger raises on purpose.

    ``code`` is stable for ever, ``message`` a %-template that doors translate, ``params`` its values.
    """

    code: ClassVar[str] = "ledger-error"
    message: ClassVar[str] = gettext_noop("The ledger refused the request.")

    def __init__(self, **params: object) -> None:
        super().__init__()
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params

    def again(self) -> Self:
        """The same error for another caller: one that is raised in several threads would collect their tracebacks."""
        copy = type(self)(**self.params)
        copy.__cause__ = self.__cause__
        return copy


class Rejected(LedgerError):
    """Base of the refusals of business rules, raised by ``decide``; nothing was recorded."""

    code = "rejected"
    message = gettext_noop("The request breaks a rule of the ledger.")


class Conflict(LedgerError):
    """The stream is not at the version the caller expected; nothing was recorded. Read again, then decide again."""

    code = "conflict"
    message = gettext_noop("%(stream)s is at version %(current)d, not %(expected)d. Read it again, then retry.")


class IdempotencyMismatch(LedgerError):
    """The key was used before for another command; nothing was recorded."""

    code = "idempotency-mismatch"
    message = gettext_noop("The key %(key)s was already used for another command (event %(seq)d). Use a new key.")


class JournalFull(LedgerError):
    """The disk is above the write-block mark; nothing was recorded. Ends by itself once space is free."""

    code = "journal-full"
    message = gettext_noop(
        "The disk of the journal is %(used_percent)d %% full (%(free_bytes)d bytes free). Free space."
    )


class NotWritten(LedgerError):
    """The write failed and was undone: certainly no effect. The same key may be used again."""

    code = "not-written"
    message = gettext_noop("Nothing was recorded: %(reason)s.")


class DurabilityUnknown(LedgerError):
    """The disk did not confirm the write: it may or may not be recorded. Retry with the same key after recovery."""

    code = "durability-unknown"
    message = gettext_noop("The disk did not confirm the write (%(reason)s). Retry with the same key after recovery.")


class Poisoned(LedgerError):
    """An earlier fsync failed; the journal is read-only until it is recovered. Nothing was recorded."""

    code = "poisoned"
    message = gettext_noop("The journal is read-only since a disk failure (%(reason)s). An engineer must recover it.")


class ReadOnly(LedgerError):
    """The journal was opened for reading, or was closed; nothing was recorded."""

    code = "read-only"
    message = gettext_noop("The journal is open for reading only.")


class Closed(LedgerError):
    """The journal object was closed; open it again."""

    code = "closed"
    message = gettext_noop("This journal was closed. Open it again.")


class Corrupt(LedgerError):
    """Bytes that were durable are not what was written. The verified prefix stays readable, nothing is written."""

    code = "corrupt"
    message = gettext_noop(
        "The journal is damaged in segment %(segment)s, line %(line)d, offset %(offset)d: "
        "expected %(expected)s, found %(found)s. It is read-only before that point."
    )


class UnknownSeq(LedgerError):
    """No event has this sequence number."""

    code = "unknown-seq"
    message = gettext_noop("There is no event %(seq)d; the journal ends at %(head)d.")


class NotAJournal(LedgerError):
    """The directory holds no journal, or one of an unknown format."""

    code = "not-a-journal"
    message = gettext_noop("%(path)s is not a journal that this version can open: %(reason)s.")


class EndUnknown(LedgerError):
    """Nobody can say how far the journal is durable, so a copy of it would have no proven end."""

    code = "end-unknown"
    message = gettext_noop("%(path)s has no durable mark. Open it for writing once, then copy it.")


class UnsupportedFileSystem(LedgerError):
    """Network and FUSE file systems do not keep the promises of flock and fsync."""

    code = "unsupported-file-system"
    message = gettext_noop("%(path)s is on a %(kind)s file system. A journal needs a local disk.")


class NestedUse(LedgerError):
    """``decide`` or ``read`` called back into the journal that is running it."""

    code = "nested-use"
    message = gettext_noop("A command or query must not call the journal that runs it.")


class NotCanonical(LedgerError, TypeError):
    """A value has no canonical form."""

    code = "not-canonical"
    message = gettext_noop("A value of type %(kind)s at %(where)s has no canonical form.")


class LimitExceeded(LedgerError):
    """Base of the refusals of limits.py; nothing was recorded."""

    code = "limit-exceeded"
    message = gettext_noop("The request is beyond a limit of the journal.")


class EventTooLarge(LimitExceeded):
    """One event is larger than a record may be."""

    code = "event-too-large"
    message = gettext_noop("An event of %(bytes)d bytes is too large (at most %(limit)d).")


class CommandTooLarge(LimitExceeded):
    """The events of one command together are larger than a commit may be."""

    code = "command-too-large"
    message = gettext_noop("The events of one command take %(bytes)d bytes (at most %(limit)d).")


class TooManyEvents(LimitExceeded):
    """One command made more events than a commit may hold."""

    code = "too-many-events"
    message = gettext_noop("One command made %(count)d events (at most %(limit)d).")


class KeyTooLong(LimitExceeded):
    """The idempotency key is empty or too long."""

    code = "key-too-long"
    message = gettext_noop("The idempotency key has %(bytes)d bytes (1 to %(limit)d).")


class StreamTooLong(LimitExceeded):
    """The name of a stream is empty or too long."""

    code = "stream-too-long"
    message = gettext_noop("The stream name has %(bytes)d bytes (1 to %(limit)d).")


class TextTooLong(LimitExceeded):
    """A text beside the data of an event is empty or too long."""

    code = "text-too-long"
    message = gettext_noop("The field %(field)s has %(bytes)d bytes (1 to %(limit)d).")


class NestingTooDeep(LimitExceeded):
    """The data of an event is nested too deep."""

    code = "nesting-too-deep"
    message = gettext_noop("The data of an event is nested deeper than %(limit)d levels.")


class TooManyKeys(LimitExceeded):
    """An object in the data of an event has too many keys."""

    code = "too-many-keys"
    message = gettext_noop("An object in the data of an event has %(count)d keys (at most %(limit)d).")


class NulRefused(LimitExceeded):
    """A text contains a NUL character."""

    code = "nul-refused"
    message = gettext_noop("A text contains a NUL character.")


class SurrogateRefused(LimitExceeded):
    """A text contains half of a character."""

    code = "surrogate-refused"
    message = gettext_noop("A text contains half of a character (a lone surrogate).")


class IntegerTooLarge(LimitExceeded):
    """A number does not fit into 63 bits."""

    code = "integer-too-large"
    message = gettext_noop("The number %(value)s does not fit into 63 bits.")


class FloatRefused(LimitExceeded):
    """The data of an event contains a floating-point number."""

    code = "float-refused"
    message = gettext_noop("The data of an event contains the floating-point number %(value)s. Use integers.")


class ValueRefused(LimitExceeded):
    """The data of an event contains a value that JSON does not know."""

    code = "value-refused"
    message = gettext_noop("The data of an event contains a value of type %(kind)s.")


class CauseRefused(LimitExceeded):
    """The cause of an event is no earlier event."""

    code = "cause-refused"
    message = gettext_noop("The cause %(cause)d is not an earlier event (this is event %(seq)d).")


class SchemaRefused(LimitExceeded):
    """The schema version of an event is no positive number."""

    code = "schema-refused"
    message = gettext_noop("The schema version of an event must be 1 or more, not %(schema)s.")


class FingerprintRefused(LimitExceeded):
    """The fingerprint of a command has the wrong form."""

    code = "fingerprint-refused"
    message = gettext_noop("The fingerprint of a command must be 32 lower-case hexadecimal digits.")

"""What may be wrong with a journal, what can be done about it, and what that loses: the words of it, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ledger.engine.messages import gettext_noop


class DamageKind(StrEnum):
    """One kind of damage."""

    DISK_FULL = "disk-full"
    FACTS = "facts"
    POISONED = "poisoned"
    CORRUPT = "corrupt"
    MISSING_SEGMENT = "missing-segment"
    CUT = "cut"
    TORN = "torn"
    MARK = "mark"
    MARK_SLOT = "mark-slot"
    REWRITTEN_MARK = "rewritten-mark"
    MANIFEST = "manifest"
    MANIFEST_LINE = "manifest-line"
    INDEX = "index"
    SNAPSHOT = "snapshot"
    SHORTER_THAN_SIGNED = "shorter-than-signed"
    OTHER_THAN_SIGNED = "other-than-signed"


class RepairKind(StrEnum):
    """One way to mend some of them."""

    RESTORE_BYTE = "restore-byte"
    RECOVER_POISONED = "recover-poisoned"
    CUT_TORN_TAIL = "cut-torn-tail"
    REBUILD_FACTS = "rebuild-facts"
    REBUILD_MARK = "rebuild-mark"
    REBUILD_INDEXES = "rebuild-indexes"
    REBUILD_MANIFEST = "rebuild-manifest"
    DROP_SNAPSHOTS = "drop-snapshots"
    GO_BACK = "go-back"
    ACCEPT_HISTORY = "accept-history"


HAPPENED: dict[DamageKind, str] = {
    DamageKind.DISK_FULL: gettext_noop(
        "The disk is full: %(used)s percent are used and %(free)s bytes free, so no order is taken. Nothing is lost, "
        "and everything can be read. Free space: orders are taken again by themselves below %(resume)s percent."
    ),
    DamageKind.FACTS: gettext_noop(
        "journal.json is missing or damaged, so nothing opens the directory. The records are there."
    ),
    DamageKind.POISONED: gettext_noop(
        "The disk failed to confirm a write (%(reason)s). Since then nothing is written: what the file shows behind "
        "event %(seq)s may not be on the disk."
    ),
    DamageKind.CORRUPT: gettext_noop(
        "Segment %(segment)s is damaged in line %(line)s, at byte %(offset)s: expected %(expected)s, found %(found)s. "
        "These bytes were durable once; a disk that rots, or somebody, changed them later."
    ),
    DamageKind.MISSING_SEGMENT: gettext_noop(
        "A segment is missing: event %(seq)s should begin %(segment)s, and later segments are there."
    ),
    DamageKind.CUT: gettext_noop(
        "The journal ends after event %(last)s in segment %(segment)s at byte %(offset)s, but event %(durable)s was "
        "durable: its end was cut off, or an older copy of the file stands in its place."
    ),
    DamageKind.TORN: gettext_noop(
        "The last flush is torn: %(bytes)s bytes of segment %(segment)s from line %(line)s, byte %(offset)s on "
        "(expected %(expected)s, found %(found)s) never became durable, as when the power fails while writing. Nobody "
        "was told that they are recorded."
    ),
    DamageKind.MARK: gettext_noop("The file durable is missing or damaged: nothing proves where the journal ends."),
    DamageKind.MARK_SLOT: gettext_noop(
        "One of the two slots of the file durable is missing or damaged. The other proves events up to %(proven)s; the "
        "journal has %(seq)s. Nothing of it is lost, and the next order writes the slot anew."
    ),
    DamageKind.REWRITTEN_MARK: gettext_noop(
        "Event %(seq)s has the hash %(found)s, but when it became durable its hash was %(expected)s: the history was "
        "written anew."
    ),
    DamageKind.MANIFEST: gettext_noop(
        "The manifest misses, or cannot be read about, these sealed segments: %(names)s. They are sound."
    ),
    DamageKind.MANIFEST_LINE: gettext_noop(
        "Segment %(segment)s is sound in itself, but not what was sealed: expected %(expected)s, found %(found)s. "
        "Either its line in the manifest is damaged, or somebody wrote the segment anew."
    ),
    DamageKind.INDEX: gettext_noop(
        "Index files are missing or damaged: %(names)s. They are derived from the segments; opening reads those "
        "instead."
    ),
    DamageKind.SNAPSHOT: gettext_noop(
        "Snapshot %(name)s is passed over: %(reason)s. It is derived from the journal; opening only takes longer."
    ),
    DamageKind.SHORTER_THAN_SIGNED: gettext_noop(
        "The journal ends at event %(last)s, but on %(at)s it had %(size)s, as a signed checkpoint says: its tail was "
        "cut off, or an older copy of the directory was put in its place."
    ),
    DamageKind.OTHER_THAN_SIGNED: gettext_noop(
        "Event %(size)s is not the one that the checkpoint of %(at)s names: behind event %(after)s this is another "
        "history, such as what was recorded after an older copy had been put in place."
    ),
}

DOES: dict[RepairKind, str] = {
    RepairKind.RESTORE_BYTE: gettext_noop(
        "Sets byte %(offset)s of %(segment)s from %(found)s back to %(written)s: the only value with which the record "
        "has its checksum and its hash."
    ),
    RepairKind.RECOVER_POISONED: gettext_noop(
        "Copies every verified record to fresh blocks and lets the journal be written again."
    ),
    RepairKind.CUT_TORN_TAIL: gettext_noop("Cuts off what never became durable, as the next start would do by itself."),
    RepairKind.REBUILD_FACTS: gettext_noop("Writes journal.json anew from the first record of the journal."),
    RepairKind.REBUILD_MARK: gettext_noop("Writes the file durable anew from the last whole record."),
    RepairKind.REBUILD_INDEXES: gettext_noop("Sets the index files aside and makes them anew from the segments."),
    RepairKind.REBUILD_MANIFEST: gettext_noop("Sets the manifest aside and writes it anew from the segments."),
    RepairKind.DROP_SNAPSHOTS: gettext_noop("Sets the snapshots aside that are passed over anyway."),
    RepairKind.GO_BACK: gettext_noop("Lets the journal end after event %(seq)s, up to which every record is verified."),
    RepairKind.ACCEPT_HISTORY: gettext_noop(
        "Sets aside the checkpoints behind event %(seq)s, so that this history counts from now on."
    ),
}

LOSES: dict[RepairKind, str] = {
    RepairKind.RESTORE_BYTE: gettext_noop("Nothing."),
    RepairKind.RECOVER_POISONED: gettext_noop(
        'Nothing that was acknowledged. Orders that were answered with "unknown" may be recorded or not: repeat them '
        "with the same key."
    ),
    RepairKind.CUT_TORN_TAIL: gettext_noop("Nothing that was acknowledged."),
    RepairKind.REBUILD_FACTS: gettext_noop("Nothing; the size of new segments is the usual one again."),
    RepairKind.REBUILD_MARK: gettext_noop(
        "The proof of the end: that no event behind %(seq)s was cut off can then be told by checkpoints only."
    ),
    RepairKind.REBUILD_INDEXES: gettext_noop("Nothing."),
    RepairKind.REBUILD_MANIFEST: gettext_noop(
        "What the manifest says about how the segments were when they were sealed; checkpoints still tell."
    ),
    RepairKind.DROP_SNAPSHOTS: gettext_noop("Nothing."),
    RepairKind.GO_BACK: gettext_noop(
        "Events %(first)s to %(last)s (%(count)s), with their keys: those orders can be given, and carried out, again; "
        "subscriptions that had them must be reset. Put the damaged file back from a backup instead if there is one."
    ),
    RepairKind.ACCEPT_HISTORY: gettext_noop(
        "Events up to %(last)s that the checkpoints prove and this directory does not have. Put the newer copy of the "
        "directory back instead if there is one."
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """One thing that is wrong, with the values of its sentence."""

    kind: DamageKind
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What happened, as a %-template."""
        return HAPPENED[self.kind]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """One thing that can be done, with the values of its two sentences."""

    kind: RepairKind
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def does(self) -> str:
        """What it does, as a %-template."""
        return DOES[self.kind]

    @property
    def loses(self) -> str:
        """What it loses, as a %-template."""
        return LOSES[self.kind]

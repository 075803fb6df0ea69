"""Is the audit trail what was written? The chain, the governance journal, the rows bound to it, and heads that left.

Each is recomputed by itself, then they are compared. A finding names the entry and the group of fields that differ:
who (actor), when (time), what (act, object, outcome), content (before, after), links (the two hashes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from console.kernel import audit, governance_journal, row_digests
from console.kernel.governance_journal import EVENT, content_of
from console.kernel.models import AuditEntry
from ledger import Event, LedgerError, gettext_noop, verify

FIELD_GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "who": ("actor", "actor_name", "via"),
        "when": ("at",),
        "what": ("act", "object", "outcome", "code"),
        "content": ("before", "after"),
        "links": ("previous_hash", "hash"),
    }
)
_BEING_RELAYED = timedelta(seconds=10)  # a younger entry may be on its way into the journal at this moment
_HEADS_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is wrong: where ("database", "journal", "row" or "head"), at which entry (0: none), a sentence."""

    where: str
    index: int
    template: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template % self.params


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """What was compared, and every finding in the order of the entries."""

    entries: int
    head: audit.Head
    journal_events: int
    rows: int
    heads: int
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


_checks: list[Callable[[], Iterator[Finding]]] = []


def add_check(check: Callable[[], Iterator[Finding]]) -> None:
    """Let `verify_audit` ask this as well: what an app above the kernel holds against the trail itself."""
    _checks.append(check)


def verify_audit(*, heads: Sequence[audit.Head] = ()) -> Verification:
    """Recompute and compare everything. `heads` are those that left this machine. Changes nothing. Raises OSError."""
    chain = audit.verify_chain()
    findings = [Finding(where="database", index=one.index, template=one.what) for one in chain.problems]
    events, of_journal = _check_journal(chain.head)
    of_apps = [one for check in _checks for one in check()]
    findings += [*of_journal, *_check_rows(), *of_apps, *_check_heads(heads)]
    return Verification(
        entries=chain.count,
        head=chain.head,
        journal_events=events,
        rows=row_digests.count_rows(),
        heads=len(heads),
        findings=tuple(sorted(findings, key=lambda one: one.index)),
    )


def _check_journal(head: audit.Head) -> tuple[int, list[Finding]]:
    """Read the governance journal and hold every entry of it against the database."""
    begun = governance_journal.begun_id()
    if not begun:
        template = gettext_noop("no governance journal was ever begun: the chain has nothing to be compared with")
        return 0, [Finding(where="journal", index=0, template=template)] if head.index else []
    comparison = _Comparison()
    try:
        report = verify(path=governance_journal.directory(), take=comparison.take)
    except LedgerError as missing:
        template = gettext_noop("the governance journal is gone, with the entries 1 to %(last)s: %(reason)s")
        params = {"last": head.index, "reason": str(missing)}
        return 0, [Finding(where="journal", index=0, template=template, params=params)]
    findings = comparison.findings
    if governance_journal.id_in_place() != begun:
        template = gettext_noop("the governance journal is another one than the chain says was begun")
        findings.append(Finding(where="journal", index=0, template=template))
    for one in report.problems:
        template = gettext_noop(
            "the governance journal is damaged (%(what)s) after entry %(last)s, in %(segment)s, line %(line)s: "
            "expected %(expected)s, found %(found)s"
        )
        params = {name: getattr(one, name) for name in ("what", "segment", "line", "expected", "found")}
        params["last"] = comparison.last
        findings.append(Finding(where="journal", index=comparison.last + 1, template=template, params=params))
    return report.events, [*findings, *comparison.not_relayed()]


class _Comparison:
    """Walks over the journal's entries and the database's side by side; both in the order of their index."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.last = 0
        self._rows = self._read(after=0)
        self._next: AuditEntry | None = None
        self._read_to = 0

    def take(self, event: Event) -> None:
        """Compare one event of the journal with the row of its index."""
        if event.type != EVENT:
            return
        index = event.data["index"]
        if index != self.last + 1:
            template = gettext_noop("the governance journal jumps from entry %(last)s to entry %(index)s")
            self._found("journal", index, template, last=self.last)
        self.last = index
        row = self._row(index)
        if row is None:
            template = gettext_noop(
                "the database lacks entry %(index)s; the governance journal has it: %(act)s by %(actor_name)s at %(at)s"
            )
            self._found("database", index, template, **{key: event.data[key] for key in ("act", "actor_name", "at")})
            return
        written = content_of(row)
        groups = [name for name, keys in FIELD_GROUPS.items() if any(written[key] != event.data[key] for key in keys)]
        if groups:
            template = gettext_noop("entry %(index)s differs between database and governance journal in: %(groups)s")
            self._found("database", index, template, groups=", ".join(groups))

    def not_relayed(self) -> list[Finding]:
        """Entries of the database behind the journal's last one, but for those on their way at this moment."""
        settled = datetime.now(UTC) - _BEING_RELAYED
        waiting = AuditEntry.objects.filter(index__gt=self.last, at__lt=settled).order_by("index")
        ends = (
            list(waiting.values_list("index", flat=True)[:1]),
            list(waiting.reverse().values_list("index", flat=True)[:1]),
        )
        if not ends[0]:
            return []
        template = gettext_noop(
            "the governance journal lacks the entries %(index)s to %(last)s: relaying failed or was killed "
            "(relay_audit makes up for it), or the journal is an older copy"
        )
        index, last = ends[0][0], ends[1][0]
        return [Finding(where="journal", index=index, template=template, params={"index": index, "last": last})]

    def _found(self, where: str, index: int, template: str, **params: Any) -> None:
        self.findings.append(Finding(where=where, index=index, template=template, params={"index": index, **params}))

    def _row(self, index: int) -> AuditEntry | None:
        """The row of this index; rows in between that the journal does not know are findings."""
        while (row := self._peek()) is not None and row.index < index:
            template = gettext_noop("the governance journal has no entry %(index)s, the database has")
            self._found("journal", row.index, template)
            self._next = None
        if row is None or row.index != index:
            return None
        self._next = None
        return row

    def _peek(self) -> AuditEntry | None:
        """The next row. At the end look again: what was committed meanwhile may be in the journal already."""
        if self._next is None:
            self._next = next(self._rows, None)
            if self._next is None:
                self._rows = self._read(after=self._read_to)
                self._next = next(self._rows, None)
            if self._next is not None:
                self._read_to = self._next.index
        return self._next

    @staticmethod
    def _read(*, after: int) -> Iterator[AuditEntry]:
        return AuditEntry.objects.filter(index__gt=after).order_by("index").iterator(chunk_size=500)


def _check_rows() -> Iterator[Finding]:
    """Bound rows that are not what the chain says; looked at twice, because the console may be at work meanwhile."""
    templates = {
        "altered": gettext_noop("%(row)s was altered past the audit trail; entry %(index)s wrote it last"),
        "missing": gettext_noop("%(row)s was removed past the audit trail; entry %(index)s wrote it last"),
        "unknown": gettext_noop("%(row)s was added past the audit trail"),
    }
    wrong = set(row_digests.wrong_rows())
    if wrong:
        wrong &= set(row_digests.wrong_rows())
    for one in sorted(wrong, key=lambda one: (one.index, one.row)):
        params = {"row": one.row, "index": one.index}
        yield Finding(where="row", index=one.index, template=templates[one.what], params=params)


def _check_heads(heads: Sequence[audit.Head]) -> Iterator[Finding]:
    """Heads that left this machine, against the chain as it is."""
    for start in range(0, len(heads), _HEADS_AT_ONCE):
        part = heads[start : start + _HEADS_AT_ONCE]
        known = dict(AuditEntry.objects.filter(index__in=[one.index for one in part]).values_list("index", "hash"))
        for head in part:
            if known.get(head.index, audit.GENESIS if head.index == 0 else None) == head.hash:
                continue
            template = gettext_noop(
                "the chain was cut: entry %(index)s, whose hash %(hash)s left this machine, is gone"
            )
            if head.index in known:
                template = gettext_noop(
                    "entry %(index)s had the hash %(hash)s when it left this machine, and now another"
                )
            params = {"index": head.index, "hash": head.hash}
            yield Finding(where="head", index=head.index, template=template, params=params)

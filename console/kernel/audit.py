"""The audit chain: append an entry inside the caller's transaction, find the head, verify the whole chain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from console.kernel import epoch, row_digests
from console.kernel.models import AuditEntry
from ledger import canonical_bytes, digest_of, gettext_noop

if TYPE_CHECKING:
    from django.db.models import Model

    from console.kernel.actor import Actor

GENESIS = "0" * 64
SYSTEM_ACTOR, SYSTEM_NAME, SYSTEM_VIA = "system", "Gatehouse", "system"
CONTENT_CHARACTERS_MAX = 200_000  # an event of the governance journal takes a mebibyte in all
MESSAGE_CHARACTERS_MAX = 2_000
_followers: list[Callable[[], None]] = [epoch.advance]
_ADVISORY_LOCK = 0x6A7E_A0D1  # one number for the chain; PostgreSQL has no BEGIN IMMEDIATE


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The last entry of the chain; an empty chain has index 0 and a hash of zeros."""

    index: int
    hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainProblem:
    """Where the chain is broken, and how."""

    index: int
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainReport:
    """What a walk over the whole chain found."""

    count: int
    head: Head
    problems: tuple[ChainProblem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def after_commit(follow: Callable[[], None]) -> None:
    """Have this done after the commit of every entry, after what was asked for earlier; it must not raise."""
    _followers.append(follow)


def record(
    *,
    actor: Actor | None,
    act: str,
    object: str,  # noqa: A002 - the word of the audit chain
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    rows: Iterable[Model] = (),
) -> AuditEntry:
    """Append that something was done. Call it in the transaction of the change; without one it raises.

    `actor` is None for what the console does by itself. `before` and `after` hold what canonical JSON can hold:
    text, integers, booleans, lists and mappings; no floats. `rows` are the rows of bound models that the act wrote, as
    they are at its end: `after` gets their digests.
    """
    if digests := row_digests.digests_of(rows):
        after = {**(after or {}), "rows": digests}
    return _append(actor=actor, act=act, object_=object, outcome=AuditEntry.Outcome.DONE, before=before, after=after)


def record_refusal(
    *,
    actor: Actor | None,
    act: str,
    object: str,  # noqa: A002
    code: str,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Append that something was refused, with the code of the refusal. Also needs a transaction."""
    if after is not None:
        after = {
            name: _told(value, MESSAGE_CHARACTERS_MAX) if isinstance(value, str) else value
            for name, value in after.items()
        }
    return _append(
        actor=actor, act=act, object_=object, outcome=AuditEntry.Outcome.REFUSED, code=code, before=None, after=after
    )


def head() -> Head:
    """The last entry of the chain as it is now."""
    last = AuditEntry.objects.order_by("-index").values_list("index", "hash").first()
    return Head(index=last[0], hash=last[1]) if last else Head(index=0, hash=GENESIS)


def verify_chain() -> ChainReport:
    """Recompute every hash and link from the first entry on.

    A cut tail leaves a shorter sound chain: compare `head` with one that left this machine in a report.
    """
    problems: list[ChainProblem] = []
    count, last = 0, Head(index=0, hash=GENESIS)
    for entry in AuditEntry.objects.order_by("index").iterator(chunk_size=1000):
        problems.extend(_problems_of(entry, last))
        count, last = count + 1, Head(index=entry.index, hash=entry.hash)
    return ChainReport(count=count, head=last, problems=tuple(problems))


def hash_of(entry: AuditEntry) -> str:
    """The SHA-256 that binds an entry's content and its predecessor: canonical JSON of every field but itself."""
    return digest_of(
        {
            "index": entry.index,
            "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": entry.actor,
            "actor_name": entry.actor_name,
            "via": entry.via,
            "act": entry.act,
            "object": entry.object,
            "outcome": str(entry.outcome),
            "code": entry.code,
            "before": entry.before,
            "after": entry.after,
            "previous_hash": entry.previous_hash,
        }
    )


def _problems_of(entry: AuditEntry, last: Head) -> Iterator[ChainProblem]:
    if entry.index != last.index + 1:
        yield ChainProblem(index=entry.index, what=gettext_noop("the entries before it are missing"))
    if entry.previous_hash != last.hash:
        yield ChainProblem(index=entry.index, what=gettext_noop("it does not follow from the entry before it"))
    if entry.hash != hash_of(entry):
        yield ChainProblem(index=entry.index, what=gettext_noop("its content does not match its hash"))


def _append(
    *,
    actor: Actor | None,
    act: str,
    object_: str,
    outcome: AuditEntry.Outcome,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    code: str = "",
) -> AuditEntry:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an audit entry is written in the transaction of its act")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
    last = head()
    entry = AuditEntry(
        index=last.index + 1,
        at=datetime.now(UTC),
        actor=actor.label if actor else SYSTEM_ACTOR,
        actor_name=str(actor.person) if actor else SYSTEM_NAME,
        via=actor.via if actor else SYSTEM_VIA,
        act=act,
        object=_told(object_, 200),
        outcome=outcome,
        code=code,
        before=_text_of(before),
        after=_text_of(after),
        previous_hash=last.hash,
    )
    entry.hash = hash_of(entry)
    entry.save(force_insert=True)
    epoch.forget_everything()  # for what this transaction still reads itself; for everybody else once it is committed
    for follow in _followers:
        transaction.on_commit(follow, robust=True)
    return entry


def _text_of(content: Mapping[str, Any] | None) -> str:
    """Canonical JSON. Raises ValueError beyond the limit: what is longer belongs into a row or a file, by digest."""
    text = canonical_bytes(dict(content)).decode() if content is not None else ""
    if len(text) > CONTENT_CHARACTERS_MAX:
        raise ValueError(f"an audit entry holds at most {CONTENT_CHARACTERS_MAX} characters, not {len(text)}")
    return text


def _told(text: str, characters_max: int) -> str:
    """What somebody handed in, as every database and journal can keep it."""
    return text.replace("\0", "").encode(errors="replace").decode()[:characters_max]

"""What the pages of people show: who there is, what waits for a second person, and how each role came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from console.admin.audit_sentences import sentence_of, was_done_alone
from console.kernel.authority import ROLE_LABELS, Act, Role
from console.kernel.doors import explain, person_of, why_not
from console.kernel.models import AuditEntry, PasswordReset, Person, RoleGrant
from console.kernel.second_person import why_not_second

HISTORY_MAX = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonLine:
    """One person of the list."""

    person: Person
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A role or a first password that waits for a second person, and why this reader is not the one."""

    row: RoleGrant | PasswordReset
    role: str
    why_not: str
    confirm_url: str
    withdraw_url: str

    @property
    def is_role(self) -> bool:
        """Whether it is a role; otherwise it is a first password."""
        return isinstance(self.row, RoleGrant)


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantLine:
    """One role of a person, standing or over."""

    grant: RoleGrant
    role: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryLine:
    """One audit entry about a person, or of one."""

    entry: AuditEntry
    sentence: str
    is_alone: bool


def person_lines() -> list[PersonLine]:
    """Everybody who ever had a login; whoever left stands last. Two queries."""
    standing = RoleGrant.objects.filter(confirmed_at__isnull=False, ended_at__isnull=True)
    people = Person.objects.order_by("-is_active", "printed_name", "username")
    return [
        PersonLine(person=person, roles=tuple(sorted(_role(grant.role) for grant in person.grants.all())))
        for person in people.prefetch_related(Prefetch("grants", queryset=standing))
    ]


def proposals(request: HttpRequest, *, person: Person | None = None) -> list[Proposal]:
    """What waits, the oldest first; of one person, or of everybody."""
    waiting = Q(confirmed_at__isnull=True, ended_at__isnull=True) & (Q(person=person) if person else Q())
    reader = person_of(request)
    found = [
        _proposal(request, row, reader)
        for model in (RoleGrant, PasswordReset)
        for row in model._default_manager.filter(waiting).select_related("person", "proposed_by")
    ]
    return sorted(found, key=lambda one: one.row.proposed_at)


def grant_lines(person: Person) -> list[GrantLine]:
    """Every role the person holds or held, the standing ones first."""
    grants = person.grants.filter(confirmed_at__isnull=False).select_related("proposed_by", "confirmed_by", "ended_by")
    lines = [GrantLine(grant=grant, role=_role(grant.role)) for grant in grants.order_by("-confirmed_at")]
    return sorted(lines, key=lambda line: line.grant.ended_at is not None)


def history_of(person: Person) -> list[HistoryLine]:
    """The last entries by this person and about them."""
    label = f"user:{person.pk}"
    by_them = Q(actor=label) | Q(actor__endswith=f":{label}")  # also by a token of theirs
    entries = AuditEntry.objects.filter(by_them | Q(object=f"person:{person.pk}"))
    return [
        HistoryLine(entry=entry, sentence=sentence_of(entry), is_alone=was_done_alone(entry))
        for entry in entries.order_by("-index")[:HISTORY_MAX]
    ]


def roles_to_propose(person: Person) -> Sequence[tuple[str, str]]:
    """The roles that the person neither holds nor waits for."""
    taken = set(person.grants.filter(ended_at__isnull=True).values_list("role", flat=True))
    return [(role.value, _role(role.value)) for role in Role if role.value not in taken]


def _proposal(request: HttpRequest, row: RoleGrant | PasswordReset, reader: Person) -> Proposal:
    is_role = isinstance(row, RoleGrant)
    kind = "role" if is_role else "reset"
    said = why_not(request, Act.CONFIRM_ROLE if is_role else Act.CONFIRM_RESET)
    if not said:
        refusal = why_not_second(confirmer=reader, proposal=row)
        said = explain(refusal) if refusal else ""
    return Proposal(
        row=row,
        role=_role(row.role) if isinstance(row, RoleGrant) else "",
        why_not=said,
        confirm_url=reverse(f"admin:kernel_person_confirm_{kind}", args=[row.pk]),
        withdraw_url=reverse(f"admin:kernel_person_withdraw_{kind}", args=[row.pk]),
    )


def _role(value: str) -> str:
    return _(ROLE_LABELS[Role(value)])

"""The gate policies in the database: the shipped ones are put in place, the active one is found."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from console.kernel import audit
from testruns.gates.policy import SHIPPED_CODE, Policy, from_json, imports_policy, shipped_policy
from testruns.models import GatePolicy

from .refusals import NoActivePolicy


def ensure_shipped_policies() -> None:
    """Put the policies of live runs and of imports into the database, each active unless another version is.

    Doing it again changes nothing.
    """
    for policy in (shipped_policy(), imports_policy()):
        ensure_policy(policy)


def ensure_policy(policy: Policy) -> GatePolicy | None:
    """Put a policy of this version into the database.

    None when people took its number for a policy of their own: theirs stays, ours would have to be drafted by them.
    """
    with transaction.atomic():
        of_code = GatePolicy.objects.filter(code=policy.code)
        taken = of_code.filter(number=policy.number).first()
        if taken is not None:
            return taken if taken.digest == policy.digest else None
        is_first = not of_code.filter(is_active=True).exists()
        row = GatePolicy.objects.create(
            code=policy.code,
            number=policy.number,
            digest=policy.digest,
            content=policy.canonical().decode(),
            is_active=is_first,
            activated_at=timezone.now() if is_first else None,
        )
        audit.record(
            actor=None, act="policy.ship", object=f"policy:{row.pk}", after={"digest": row.digest}, rows=(row,)
        )
        return row


def plant_policy(*, using: str, **_: Any) -> None:
    """Handler of post_migrate, also sent by flush. A migration backwards may have taken the tables away."""
    if GatePolicy._meta.db_table in connections[using].introspection.table_names():
        ensure_shipped_policies()


def active_policy(*, code: str = SHIPPED_CODE) -> GatePolicy:
    """The policy that live runs, or with the code of imports these, are judged under now. NoActivePolicy for none."""
    row = GatePolicy.objects.filter(code=code, is_active=True).first()
    if row is None:
        raise NoActivePolicy
    return row


def rules_of(row: GatePolicy) -> Policy:
    """The policy a row holds. InvalidPolicy when this version does not know one of its rules."""
    return _policy_in(row.content)


@lru_cache(maxsize=16)
def _policy_in(content: str) -> Policy:
    """Read once per content: a thousand runs are of few policies, and none of them ever changes."""
    return from_json(content)


def last_editor_of(policy: GatePolicy) -> int | None:
    """The id of whoever edited a policy last; None for one that came with the installation."""
    return policy.edited_by_id

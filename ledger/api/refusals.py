"""The ledger's refusals as problems: the status of each code, the field it speaks of, and when to try again."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from django.utils.translation import gettext as _
from rest_framework.response import Response

from console.kernel.api.problems import Problem, register, status_of
from console.kernel.api.views import ApiView
from ledger import IdempotencyMismatch, LedgerError, gettext_noop

STATUSES: Mapping[str, int] = MappingProxyType(
    {
        # a value that no ledger would take
        **dict.fromkeys(
            (
                "invalid-amount",
                "amount-too-large",
                "invalid-skill",
                "invalid-share",
                "invalid-identifier",
                "invalid-text",
                "reason-too-short",
                "invalid-choice",
                "invalid-count",
                "same-account",
                "self-dealing",
                "not-reusable",
                "not-canonical",
                "limit-exceeded",
                "event-too-large",
                "command-too-large",
                "too-many-events",
                "stream-too-long",
                "text-too-long",
                "nesting-too-deep",
                "too-many-keys",
                "nul-refused",
                "surrogate-refused",
                "integer-too-large",
                "float-refused",
                "value-refused",
                "cause-refused",
                "schema-refused",
                "fingerprint-refused",
                "idempotency-mismatch",
            ),
            422,
        ),
        **dict.fromkeys(("missing-key", "key-too-long"), 400),
        # a value that this ledger does not know
        **dict.fromkeys(("unknown-agent", "unknown-approval"), 404),
        # an order that the ledger cannot take as it stands now
        **dict.fromkeys(
            (
                "rejected",
                "conflict",
                "agent-exists",
                "insufficient-credits",
                "total-too-large",
                "nothing-to-withdraw",
                "approval-exists",
                "already_decided",
                "already-approved",
                "approval-overdue",
                "not-yet-due",
                "already-recorded",
                "unknown-seq",
            ),
            409,
        ),
        **dict.fromkeys(("self-approval", "not-requester"), 403),
        # the ledger cannot take any order now
        "journal-full": 507,
        **dict.fromkeys(
            (
                "not-written",
                "durability-unknown",
                "poisoned",
                "read-only",
                "read-only-now",
                "journal-exchanged",
                "closed",
                "corrupt",
                "not-a-journal",
                "end-unknown",
                "unsupported-file-system",
                "unreadable-journal",
                "unknown-schema",
            ),
            503,
        ),
        # a fault of the program
        **dict.fromkeys(("nested-use", "unknown-command"), 500),
    }
)
RETRY_SECONDS: Mapping[str, int] = MappingProxyType(
    {"not-written": 1, "closed": 1, "durability-unknown": 30, "journal-full": 60}
)
RETRY_SECONDS_DAMAGED = 300
"""What ends only when an engineer has looked at it."""

DAMAGED = gettext_noop("The ledger cannot do this until an engineer has looked at it. The console says why.")
TOLD: Mapping[str, str] = MappingProxyType(
    {
        "not-written": gettext_noop("Nothing was recorded. Send the same request again."),
        "durability-unknown": gettext_noop(
            "The disk did not confirm the write. Repeat the request with the same key after recovery."
        ),
        "closed": gettext_noop("The ledger is being opened. Send the same request again."),
    }
)
"""What clients are told where the refusal itself names files of this machine, or what stands in them."""

FIELDS: Mapping[str, str] = MappingProxyType(
    {"agent": "agent_id", "mission": "mission_id", "payer": "payer_id", "payee": "payee_id"}
)
"""What a field of a command is called in a body, where the names differ."""

_FIELD_OF_CODE: Mapping[str, str] = MappingProxyType(
    {"invalid-amount": "amount", "amount-too-large": "amount", "invalid-skill": "skill_level"}
)

register(STATUSES)


def problem_for(refusal: LedgerError) -> Problem:
    """The refusal as a problem, with a pointer to the field it speaks of and the time after which to try again."""
    if isinstance(refusal, IdempotencyMismatch):
        return Problem("idempotency-key-reused", 422, _("This key was used for another request. Use a new key."))
    status = status_of(refusal.code)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": str(RETRY_SECONDS.get(refusal.code, RETRY_SECONDS_DAMAGED))}
        return Problem(refusal.code, status, _(TOLD.get(refusal.code, DAMAGED)), headers=headers)
    words = {"why": _(str(refusal.params["why"]))} if "why" in refusal.params else {}
    detail = _(refusal.message) % {**refusal.params, **words}
    field = str(refusal.params.get("field", "")) or _FIELD_OF_CODE.get(refusal.code, "")
    errors = [{"detail": detail, "pointer": f"/{FIELDS.get(field, field)}"}] if field else []
    headers = {"Retry-After": str(RETRY_SECONDS[refusal.code])} if refusal.code in RETRY_SECONDS else {}
    return Problem(refusal.code, status, detail, errors=errors, headers=headers)


class LedgerView(ApiView):
    """A view that reads or orders something of the live ledger, and tells its refusals in detail."""

    def handle_exception(self, exc: Exception) -> Response:
        """As every view of the API does it, with the ledger's own refusals as `problem_for` tells them."""
        return super().handle_exception(problem_for(exc) if isinstance(exc, LedgerError) else exc)

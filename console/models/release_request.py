"""A release request: one phase, one build, the manifest of the evidence as it was when the request opened."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.kernel.row_digests import bind
from console.kernel.triggers import refuse
from console.models.append_only import collides
from console.models.phase import Phase
from console.release_states import TRANSITIONS, RequestState
from testruns.models import Build, GatePolicy

TABLE = "console_releaserequest"


class ReleaseRequest(models.Model):
    """`manifest` is canonical JSON whose SHA-256 is `manifest_digest`; it never changes.

    `state` is the last one written: what it is now says `console.releases` (expiry and lapse are computed). `version`
    grows with every write that decides something, so that of two people in the same second one is refused.
    """

    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="requests", db_index=False)
    build = models.ForeignKey(Build, on_delete=models.PROTECT, related_name="release_requests", db_index=False)
    policy = models.ForeignKey(GatePolicy, on_delete=models.PROTECT, related_name="release_requests")
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="opened_requests")
    opened_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    manifest = models.TextField(help_text=_("Canonical JSON whose SHA-256 is the manifest digest."))
    manifest_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=12, default=RequestState.OPEN.value, db_index=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        verbose_name = _("release request")
        verbose_name_plural = _("release requests")
        ordering = ["-id"]
        indexes = [  # with all that narrows requests: to look at a row itself is to read past a manifest of a megabyte
            models.Index(fields=["phase", "build", "state"], name="request_by_phase"),
            models.Index(fields=["build", "phase", "state"], name="request_by_build"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in RequestState]), name="request_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["phase"], condition=models.Q(state=RequestState.OPEN.value), name="request_one_open_per_phase"
            ),
            models.CheckConstraint(
                condition=models.Q(manifest_digest__regex=r"^[0-9a-f]{64}$"), name="request_manifest_is_bound"
            ),
            models.CheckConstraint(
                condition=models.Q(deadline_at__gt=models.F("opened_at")), name="request_deadline_after_opening"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.phase} #{self.pk}"


_FIXED = (
    "phase_id",
    "build_id",
    "policy_id",
    "opened_by_id",
    "opened_at",
    "deadline_at",
    "manifest",
    "manifest_digest",
)
_DECIDED = (RequestState.GO, RequestState.CONDITIONAL, RequestState.NO_GO)


def _is_no_transition() -> str:
    """SQL that is true for a change of state the table of transitions does not know."""
    allowed = " OR ".join(
        f"(OLD.state = '{before}' AND NEW.state = '{after}')"
        for before, afters in TRANSITIONS.items()
        for after in sorted(afters)
    )
    return f"(OLD.state <> NEW.state AND NOT ({allowed}))"


def _is_undecided(row: str) -> str:
    """SQL that is true for a row that claims a decision nobody made."""
    words = ", ".join(f"'{word}'" for word in _DECIDED)
    return (
        f"({row}.state IN ({words}) AND NOT EXISTS (SELECT 1 FROM console_decision d "  # noqa: S608 - constants alone
        f"WHERE d.request_id = {row}.id AND d.word = {row}.state))"
    )


bind(ReleaseRequest)
refuse(
    table=TABLE,
    operations=("UPDATE",),
    condition=" OR ".join(
        [*(f"OLD.{name} <> NEW.{name}" for name in _FIXED), _is_no_transition(), _is_undecided("NEW")]
    ),
    reason="keeps what it was opened with, and follows its decisions",
)
_ANOTHER_OPEN = "SELECT 1 FROM console_releaserequest r WHERE r.phase_id = NEW.phase_id AND r.state = 'OPEN'"
refuse(
    table=TABLE,
    operations=("INSERT",),
    condition=f"{collides(ReleaseRequest)} OR NEW.state <> 'OPEN' OR EXISTS ({_ANOTHER_OPEN})",
    reason="begins open, and a phase has one open request",
)
refuse(table=TABLE, operations=("DELETE",), reason="is history and cannot be deleted")

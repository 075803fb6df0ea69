"""A decision: what a supervisor said about a release request, by signing it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.release_request import ReleaseRequest
from console.models.sign_off import SignOff
from console.release_states import Word


class Decision(models.Model):
    """`content` is the canonical JSON of the decision: manifest, review, sign-offs and conditions by digest.

    Number 1 is the decision; number 2 is the GO that follows a CONDITIONAL whose conditions are all closed.
    """

    request = models.ForeignKey(ReleaseRequest, on_delete=models.PROTECT, related_name="decisions")
    number = models.PositiveSmallIntegerField()
    word = models.CharField(max_length=12)
    sign_off = models.OneToOneField(SignOff, on_delete=models.PROTECT, related_name="decision")
    valid_until = models.DateTimeField(null=True, blank=True, help_text=_("Empty for NO_GO."))
    reason = models.TextField(blank=True)
    decided_at = models.DateTimeField()
    content = models.TextField()
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["request", "number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="decision_number_once_per_request"),
            models.CheckConstraint(
                condition=models.Q(word__in=[word.value for word in Word]), name="decision_word_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(number=1) | models.Q(number=2, word=Word.GO.value),
                name="decision_second_one_is_go",
            ),
            models.CheckConstraint(
                condition=models.Q(word=Word.NO_GO.value, valid_until__isnull=True)
                | (~models.Q(word=Word.NO_GO.value) & models.Q(valid_until__isnull=False)),
                name="decision_release_has_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} {self.word}"

    @property
    def has_conditions(self) -> bool:
        """Whether it was given under conditions: no other word is."""
        return self.word == Word.CONDITIONAL.value


# A release has three standing sign-offs of other people under the supervisor's, all over the same manifest.
_SEATED = (
    "SELECT COUNT(DISTINCT s.seat) FROM console_signoff s JOIN console_releaserequest r ON r.id = s.request_id "
    "WHERE s.request_id = NEW.request_id AND s.manifest_digest = r.manifest_digest "
    "AND s.seat IN ('ENGINEER', 'TESTER', 'REVIEWER') "
    "AND NOT EXISTS (SELECT 1 FROM console_signoffwithdrawal w WHERE w.sign_off_id = s.id)"
)
_BY_SUPERVISOR = (
    "SELECT 1 FROM console_signoff s WHERE s.id = NEW.sign_off_id AND s.request_id = NEW.request_id "
    "AND s.seat = 'SUPERVISOR'"
)
_IN_ORDER = (
    "NEW.number = 1 OR EXISTS (SELECT 1 FROM console_decision d WHERE d.request_id = NEW.request_id "
    "AND d.number = 1 AND d.word = 'CONDITIONAL')"
)

append_only(
    Decision,
    refused_when=f"NOT EXISTS ({_BY_SUPERVISOR}) OR NOT ({_IN_ORDER}) OR (NEW.word <> 'NO_GO' AND ({_SEATED}) <> 3)",
    reason="stands on the signatures of its seats",
)

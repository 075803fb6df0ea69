"""A sign-off: one person's signature in one seat of one release request."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from console.models.append_only import append_only
from console.models.release_request import ReleaseRequest
from console.models.review import Review
from console.release_states import Meaning, Seat


class SignOff(models.Model):
    """`content` is the canonical JSON that was signed, with digests of manifest and review, person, meaning and time.

    `number` counts the sign-offs of a seat: a seat is signed again after a withdrawal, and the supervisor's a second
    time when conditions are closed. `zone` is the signer's time zone (IANA name), `method` how they proved themselves.
    """

    request = models.ForeignKey(ReleaseRequest, on_delete=models.PROTECT, related_name="sign_offs")
    seat = models.CharField(max_length=12)
    number = models.PositiveSmallIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sign_offs")
    printed_name = models.CharField(max_length=150)
    role = models.CharField(max_length=20)
    meaning = models.CharField(max_length=30)
    manifest_digest = models.CharField(max_length=64)
    review = models.OneToOneField(
        Review, on_delete=models.PROTECT, null=True, blank=True, related_name="sign_off", help_text=_("Reviewer only.")
    )
    review_digest = models.CharField(max_length=64, blank=True)
    reason = models.TextField(blank=True)
    signed_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    method = models.CharField(max_length=20)
    authenticated_at = models.DateTimeField()
    content = models.TextField()
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("sign-off")
        verbose_name_plural = _("sign-offs")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "seat", "number"], name="sign_off_once_per_seat_and_number"),
            models.CheckConstraint(
                condition=models.Q(seat__in=[seat.value for seat in Seat]), name="sign_off_seat_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(meaning__in=[meaning.value for meaning in Meaning]), name="sign_off_meaning_is_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(seat=Seat.REVIEWER.value)
                | (models.Q(review__isnull=False) & ~models.Q(review_digest="")),
                name="sign_off_of_reviewer_binds_a_review",
            ),
            models.CheckConstraint(condition=~models.Q(printed_name=""), name="sign_off_names_the_person"),
        ]

    def __str__(self) -> str:
        return f"{self.request} {self.seat}"


# Seats are for distinct people, and each is signed once until it is withdrawn; a supervisor decides a second time.
_STANDS = (
    "SELECT 1 FROM console_signoff s WHERE s.request_id = NEW.request_id AND {which} "
    "AND NOT EXISTS (SELECT 1 FROM console_signoffwithdrawal w WHERE w.sign_off_id = s.id)"
)
_SEAT_TAKEN = _STANDS.format(which="s.seat = NEW.seat")
_PERSON_SEATED = _STANDS.format(which="s.person_id = NEW.person_id AND s.seat <> NEW.seat")

append_only(
    SignOff,
    refused_when=f"(NEW.seat <> 'SUPERVISOR' AND EXISTS ({_SEAT_TAKEN})) OR EXISTS ({_PERSON_SEATED})",
    reason="fills each seat once, with distinct people",
)

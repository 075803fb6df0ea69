"""The forms of signatures and decisions. They hold shape only: what is allowed says the action."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from console.admin.words import CLOSING_RULES, CONDITION_KINDS
from console.kernel.authority import Act, who_may
from console.kernel.models import Person
from console.release_states import MEANING_LABELS, ClosingRule, ConditionKind, Meaning, Word
from console.review_content import RETEST, RETEST_DAYS

REASON_LENGTH_MAX = 2000


class SignatureForm(forms.Form):
    """What every signature needs."""

    password = forms.CharField(
        label=_("Your password"), strip=False, error_messages={"required": _("Enter your password.")}
    )
    zone = forms.CharField(label=_("Your time zone"), required=False, max_length=64)
    manifest_digest = forms.CharField(max_length=64)

    def clean_zone(self) -> str:
        """UTC when nothing is said."""
        return str(self.cleaned_data["zone"]).strip() or "UTC"


class SignForm(SignatureForm):
    """A signature with its meaning; nothing is chosen beforehand."""

    meaning = forms.ChoiceField(
        label=_("What my signature means"), error_messages={"required": _("Choose what your signature means.")}
    )
    review_digest = forms.CharField(max_length=64, required=False)

    def __init__(self, *args: Any, meanings: Iterable[Meaning], **kwargs: Any) -> None:
        """meanings: what a signature in this seat can mean."""
        super().__init__(*args, **kwargs)
        choices = [(meaning.value, _(MEANING_LABELS[meaning])) for meaning in meanings]
        self.fields["meaning"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField


class DecideForm(SignatureForm):
    """A decision: its word is its meaning; none is chosen beforehand."""

    word = forms.ChoiceField(
        label=_("Decision"),
        choices=[(word.value, word.value) for word in Word],
        error_messages={"required": _("Choose your decision.")},
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=REASON_LENGTH_MAX,
        help_text=_("At least 10 characters for CONDITIONAL and NO-GO; none is needed for GO."),
    )


class ConditionForm(forms.Form):
    """One condition of a CONDITIONAL; a row whose text is empty is left out."""

    text = forms.CharField(
        label=_("What must be done"), required=False, widget=forms.Textarea(attrs={"rows": 2, "class": "low"})
    )
    kind = forms.ChoiceField(
        label=_("When"), choices=[(kind.value, CONDITION_KINDS[kind.value].text) for kind in ConditionKind]
    )
    closing_rule = forms.ChoiceField(
        label=_("Closed by"), choices=[(rule.value, CLOSING_RULES[rule.value].text) for rule in ClosingRule]
    )
    owner = forms.ModelChoiceField(
        label=_("Owner"), queryset=Person.objects.none(), required=False, empty_label=_("choose a person")
    )
    due_date = forms.DateField(
        label=_("Due"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer as owner who may close a condition."""
        super().__init__(*args, **kwargs)
        may_close = Person.objects.filter(
            is_active=True,
            grants__role__in=[role.value for role in who_may(act=Act.CLOSE_CONDITION)],
            grants__confirmed_at__isnull=False,
            grants__ended_at__isnull=True,
        )
        owners = may_close.distinct().order_by("printed_name", "username")
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean(self) -> dict[str, Any]:
        """A condition that says something has an owner and a day."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("text", "").strip():
            for name, message in (("owner", _("Choose who owns it.")), ("due_date", _("Say until when."))):
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, message)
        return cleaned


ConditionRows = forms.formset_factory(ConditionForm, extra=0, max_num=20, absolute_max=20)


def proposed_rows(proposed: Iterable[dict[str, Any]], translate: Any) -> list[dict[str, Any]]:
    """First values of the condition rows: what the review proposes, else the re-test, and an empty row."""
    today = timezone.localdate()
    rows = [
        {
            "text": translate(one["text"]),
            "kind": one["kind"],
            "closing_rule": one["closing_rule"],
            "due_date": today + timedelta(days=one["due_days"]),
        }
        for one in proposed
    ]
    retest = {
        "text": translate(RETEST),
        "kind": ConditionKind.AFTER_USE.value,
        "closing_rule": ClosingRule.GO_RUN.value,
        "due_date": today + timedelta(days=RETEST_DAYS),
    }
    return rows or [retest]

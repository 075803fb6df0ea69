"""The form that requests a run: the seed's defaults, and errors that name the field and say what to enter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from console.kernel.doors import explain
from testruns.plan import (
    CONCURRENCY_MAX,
    DURATION_SECONDS_MAX,
    LEVELS_MAX,
    SEED_MAX,
    InvalidPlan,
    RunPlan,
    soak_of,
)
from testruns.scenarios import SCENARIOS

PROFILE_CHOICES = (
    ("smoke", pgettext_lazy("profile", "smoke")),
    ("quick", pgettext_lazy("profile", "quick")),
    ("full", pgettext_lazy("profile", "full")),
    ("own", pgettext_lazy("profile", "own values")),
)


class RequestRunForm(forms.Form):
    """The values of a run. `plan()` is what an action takes; only a valid form has one."""

    profile = forms.ChoiceField(choices=PROFILE_CHOICES, initial="quick", label=gettext_lazy("Profile"))
    duration_seconds = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=DURATION_SECONDS_MAX,
        label=gettext_lazy("Duration of the soak, in seconds"),
        error_messages={
            "invalid": gettext_lazy("Duration: enter a whole number of seconds."),
            "min_value": gettext_lazy("Duration: enter at least %(limit_value)s second."),
            "max_value": gettext_lazy("Duration: enter at most %(limit_value)s seconds."),
        },
    )
    scenarios = forms.MultipleChoiceField(
        label=gettext_lazy("Scenarios"),
        error_messages={"required": gettext_lazy("Scenarios: choose at least one.")},
    )
    concurrency = forms.CharField(
        initial="50",
        max_length=60,
        label=gettext_lazy("Concurrency, or several levels for a sweep"),
        error_messages={
            "required": gettext_lazy("Concurrency: enter a number such as 50, or levels such as 50,100,300.")
        },
    )
    seed = forms.IntegerField(
        initial=42,
        min_value=0,
        max_value=SEED_MAX,
        label=gettext_lazy("Seed"),
        error_messages={
            "required": gettext_lazy("Seed: enter a whole number, such as 42."),
            "invalid": gettext_lazy("Seed: enter a whole number, such as 42."),
            "min_value": gettext_lazy("Seed: enter 0 or more."),
            "max_value": gettext_lazy("Seed: enter at most %(limit_value)s."),
        },
    )
    retry_injection = forms.BooleanField(required=False, initial=True, label=gettext_lazy("Inject retries"))
    anomaly_injection = forms.BooleanField(required=False, initial=True, label=gettext_lazy("Inject anomalies"))
    karma_available = forms.BooleanField(required=False, initial=False, label=gettext_lazy("KARMA available"))

    def __init__(self, *args: Any, soak_seconds: int, **kwargs: Any) -> None:
        """`soak_seconds` is the active policy's, which profile full takes."""
        super().__init__(*args, **kwargs)
        self._soak_seconds = soak_seconds
        field = self.fields["scenarios"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(code, scenario.title) for code, scenario in SCENARIOS.items()]
        field.initial = list(SCENARIOS)

    def is_unusual(self, *names: str) -> bool:
        """Whether any of these fields has an error, or was sent with another value than its default."""
        return any(self[name].errors or (self.is_bound and self._differs(name)) for name in names)

    def _differs(self, name: str) -> bool:
        field = self.fields[name]
        return field.has_changed(field.initial, self[name].data)

    def clean_concurrency(self) -> tuple[int, ...]:
        """Levels separated by commas, each once, in the order they were written."""
        parts = [part.strip() for part in self.cleaned_data["concurrency"].split(",")]
        if not all(part.isdecimal() and part.isascii() for part in parts):
            raise forms.ValidationError(
                _("Concurrency: enter whole numbers separated by commas, such as 50 or 50,100,300.")
            )
        levels = tuple(int(part) for part in parts)
        if not all(1 <= level <= CONCURRENCY_MAX for level in levels):
            raise forms.ValidationError(
                _("Concurrency: each level is a number from 1 to %(high)s.") % {"high": CONCURRENCY_MAX}
            )
        if len(set(levels)) != len(levels) or len(levels) > LEVELS_MAX:
            raise forms.ValidationError(
                _("Concurrency: enter each level once, at most %(high)s levels.") % {"high": LEVELS_MAX}
            )
        return levels

    def clean(self) -> dict[str, Any]:
        """What no field can see alone: the duration belongs to the profile, and the plan as a whole must be valid."""
        values = super().clean() or self.cleaned_data
        if self.errors:
            return values
        try:
            values["duration_seconds"] = soak_of(
                profile=values["profile"], entered=values.get("duration_seconds"), soak_seconds=self._soak_seconds
            )
            self._plan_of(values).validate()
        except InvalidPlan as refusal:
            field = str(refusal.params.get("field", ""))
            self.add_error(field if field in self.fields else None, explain(refusal))
        return values

    def plan(self) -> RunPlan:
        """The plan of a valid form."""
        return self._plan_of(self.cleaned_data)

    @staticmethod
    def _plan_of(values: dict[str, Any]) -> RunPlan:
        chosen = set(values["scenarios"])
        return RunPlan(
            profile=values["profile"],
            scenarios=tuple(code for code in SCENARIOS if code in chosen),
            concurrency=values["concurrency"],
            duration_seconds=values["duration_seconds"],
            seed=values["seed"],
            retry_injection=values["retry_injection"],
            karma_available=values["karma_available"],
            anomaly_injection=values["anomaly_injection"],
        )

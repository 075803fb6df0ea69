"""The form of a review: its parts as rows, read into one draft. Rows whose text is empty are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from console.admin.words import CLOSING_RULES, CONDITION_KINDS, FINDING_STATES, RISKS, SEVERITIES
from console.release_states import ClosingRule, ConditionKind, Outcome
from console.review_content import (
    READINESS_MAX,
    RETEST_DAYS,
    FindingStatus,
    ProposedCondition,
    ReviewDraft,
    ReviewFinding,
    Risk,
    RiskState,
    RunAnswer,
)
from testruns.gates.rule import Severity

ROWS_MAX = 100
_LOW = {"rows": 2, "class": "low"}
Choices = list[tuple[str, Any]]


def _text(label: Any, *, rows: int = 2, **options: Any) -> forms.CharField:
    attrs = {"rows": rows, "class": "low"} if rows <= 2 else {"rows": rows}
    return forms.CharField(label=label, required=False, widget=forms.Textarea(attrs=attrs), **options)


class ReviewForm(forms.Form):
    """What stands once in a review."""

    scope = _text(_("What was reviewed"), rows=4, help_text=_("Which runs, evidence and code you looked at."))
    criteria = _text(_("Criteria"), help_text=_("Against what you judged it, beyond the rules of the policy."))
    readiness = forms.TypedChoiceField(
        label=_("Readiness"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[(value, value) for value in range(READINESS_MAX + 1)],
    )
    outcome = forms.ChoiceField(label=_("Outcome"), required=False, choices=[(one.value, one.value) for one in Outcome])
    attachment = forms.FileField(label=_("Attach a file"), required=False)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class FindingForm(forms.Form):
    """One finding."""

    text = _text(_("What I found"))
    severity = forms.ChoiceField(
        label=_("Severity"), choices=[(one.value, SEVERITIES[one.value].text) for one in Severity], initial="major"
    )
    status = forms.ChoiceField(
        label=_("Status"), choices=[(one.value, FINDING_STATES[one.value].text) for one in FindingStatus]
    )
    where = forms.CharField(label=_("Where (link to evidence, or file:line)"), required=False)
    root_cause = _text(_("Root cause"))
    impact = _text(_("Impact"))
    mitigation = _text(_("Mitigation"))
    owner = forms.CharField(label=_("Owner"), required=False)


class RiskForm(forms.Form):
    """One risk."""

    text = _text(_("Risk of releasing"))
    state = forms.ChoiceField(
        label=_("What became of it"), choices=[(one.value, RISKS[one.value].text) for one in RiskState]
    )


class AnswerForm(forms.Form):
    """The answer to one red full run."""

    run = forms.IntegerField(widget=forms.HiddenInput)
    answer = _text(_("Answer"))


class ProposedForm(forms.Form):
    """One condition the reviewer proposes."""

    text = _text(_("What must be done"))
    kind = forms.ChoiceField(
        label=_("When"), choices=[(kind.value, CONDITION_KINDS[kind.value].text) for kind in ConditionKind]
    )
    closing_rule = forms.ChoiceField(
        label=_("Closed by"), choices=[(rule.value, CLOSING_RULES[rule.value].text) for rule in ClosingRule]
    )
    due_days = forms.IntegerField(label=_("Days to do it"), min_value=0, max_value=365, initial=RETEST_DAYS)


def _rows_of(form: type[forms.Form]) -> Any:
    return forms.formset_factory(form, extra=0, max_num=ROWS_MAX, absolute_max=ROWS_MAX)


ROWS = {
    "findings": _rows_of(FindingForm),
    "risks": _rows_of(RiskForm),
    "answers": _rows_of(AnswerForm),
    "proposed": _rows_of(ProposedForm),
}
STORED = {"findings": "findings", "risks": "risks", "answers": "run_answers", "proposed": "proposed_conditions"}


class ReviewForms:
    """The form and its rows together; made from a stored draft, or from what was posted."""

    def __init__(self, *, stored: Mapping[str, Any], to_answer: Sequence[int]) -> None:
        """Show what is stored, one empty row below each list but the answers, of which each run has one."""
        self.form = ReviewForm(
            initial={name: stored.get(name) for name in ("scope", "criteria", "readiness", "outcome", "version")}
        )
        answers = {one["run"]: one["answer"] for one in stored.get("run_answers", ())}
        initial: dict[str, list[dict[str, Any]]] = {
            name: [*stored.get(STORED[name], ()), {}] for name in ("findings", "risks", "proposed")
        }
        initial["answers"] = [{"run": run, "answer": answers.get(run, "")} for run in to_answer]
        self.rows = {name: ROWS[name](initial=initial[name], prefix=name) for name in ROWS}

    @classmethod
    def posted(cls, *, data: Any, files: Any) -> ReviewForms:
        """What a person sent."""
        forms_ = cls.__new__(cls)
        forms_.form = ReviewForm(data, files)
        forms_.rows = {name: ROWS[name](data, prefix=name) for name in ROWS}
        return forms_

    @property
    def is_valid(self) -> bool:
        """Whether everything has the shape it needs; every part is asked, so that every mistake is marked."""
        return all([self.form.is_valid(), *(rows.is_valid() for rows in self.rows.values())])

    def draft(self) -> ReviewDraft:
        """The review as far as it is written. Call it after `is_valid`."""
        once = self.form.cleaned_data
        return ReviewDraft(
            scope=once["scope"],
            criteria=once["criteria"],
            readiness=once["readiness"],
            outcome=Outcome(once["outcome"]) if once["outcome"] else None,
            findings=tuple(
                ReviewFinding(**{**row, "severity": Severity(row["severity"]), "status": FindingStatus(row["status"])})
                for row in self._filled("findings")
            ),
            risks=tuple(Risk(text=row["text"], state=RiskState(row["state"])) for row in self._filled("risks")),
            run_answers=tuple(
                RunAnswer(run=row["run"], answer=row["answer"]) for row in self._filled("answers", by="answer")
            ),
            proposed_conditions=tuple(
                ProposedCondition(
                    text=row["text"],
                    kind=ConditionKind(row["kind"]),
                    due_days=row["due_days"],
                    closing_rule=ClosingRule(row["closing_rule"]),
                )
                for row in self._filled("proposed")
            ),
        )

    def _filled(self, name: str, *, by: str = "text") -> list[dict[str, Any]]:
        rows = (cast("dict[str, Any]", row.cleaned_data) for row in self.rows[name])
        return [row for row in rows if row.get(by, "").strip()]

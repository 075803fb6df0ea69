"""The body that asks for a run: the values of a plan, with the defaults of the console's form for what is left out."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from console.kernel.api.fields import Switch, WholeNumber, Word
from console.kernel.api.parsing import StrictSerializer
from testruns.actions import active_policy, rules_of
from testruns.plan import (
    CONCURRENCY_MAX,
    DEFAULT_CONCURRENCY,
    DEFAULT_SEED,
    DURATION_SECONDS_MAX,
    LEVELS_MAX,
    OWN_PROFILE,
    PROFILES,
    SEED_MAX,
    RunPlan,
)
from testruns.scenarios import SCENARIOS

DEFAULT_PROFILE = "quick"


class PlanBody(StrictSerializer):
    """The values of a run. `duration_seconds`, the soak, belongs to profile `own`; the others have theirs."""

    commit = serializers.RegexField(
        r"^([0-9a-f]{40}|[0-9a-f]{64})\Z",
        required=False,
        help_text="The whole Git commit that the run must judge; refused when another build is installed here.",
    )

    profile = Word(choices=[*PROFILES, OWN_PROFILE], default=DEFAULT_PROFILE)
    scenarios = serializers.ListField(
        child=Word(choices=list(SCENARIOS)), min_length=1, max_length=len(SCENARIOS), default=list(SCENARIOS)
    )
    concurrency = serializers.ListField(
        child=WholeNumber(min_value=1, max_value=CONCURRENCY_MAX),
        min_length=1,
        max_length=LEVELS_MAX,
        default=list(DEFAULT_CONCURRENCY),
        help_text="One level, or several for a sweep; a single number is read as one level.",
    )
    duration_seconds = WholeNumber(min_value=1, max_value=DURATION_SECONDS_MAX, required=False)
    seed = WholeNumber(min_value=0, max_value=SEED_MAX, default=DEFAULT_SEED)
    retry_injection = Switch(default=True)
    karma_available = Switch(default=False)
    anomaly_injection = Switch(default=True)

    def to_internal_value(self, data: Any) -> Any:
        """What was sent, by field. Raises ValidationError."""
        if isinstance(data, dict) and isinstance(data.get("concurrency"), int):
            data = data | {"concurrency": [data["concurrency"]]}
        return super().to_internal_value(data)


def plan_of(values: dict[str, Any]) -> RunPlan:
    """The plan of a read body. Raises InvalidPlan, NoActivePolicy."""
    lists = {name: tuple(values.pop(name)) for name in ("scenarios", "concurrency")}
    plan = RunPlan.asked_for(
        profile=values.pop("profile"),
        duration_seconds=values.pop("duration_seconds", None),
        soak_seconds=rules_of(active_policy()).values.soak_seconds,
        **lists,
        **values,
    )
    plan.validate()
    return plan

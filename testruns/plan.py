"""What a run is asked to do: scenarios, load, seed and injections, and what that will cost in time and disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from console.kernel.errors import InvalidInput
from ledger import gettext_noop
from testruns.scenarios import SCENARIOS

PROFILES: Final[Mapping[str, int | None]] = {"smoke": 5, "quick": 30, "full": None}
"""Soak of load_reality in seconds by profile; None means: what the gate policy asks for."""

OWN_PROFILE: Final = "own"
IMPORT_PROFILE: Final = "import"
"""Of results from elsewhere: nothing is run, so no plan with it is ever valid."""
CONCURRENCY_MAX: Final = 500
LEVELS_MAX: Final = 8
DURATION_SECONDS_MAX: Final = 7200
SEED_MAX: Final = 2**32 - 1
DEFAULT_OFFERED_RATE: Final = 100
DEFAULT_CONCURRENCY: Final = (50,)
DEFAULT_SEED: Final = 42


class InvalidPlan(InvalidInput):
    """A plan that cannot be run: `field` names the value, the message says what it may be."""

    code = "invalid-plan"


class ValueOutOfRange(InvalidPlan):
    """A number outside what a run can do."""

    code = "invalid-plan-range"
    message = gettext_noop("%(field)s is %(value)s; it must be a whole number from %(low)s to %(high)s.")


class UnknownChoice(InvalidPlan):
    """A profile or scenario nobody knows."""

    code = "invalid-plan-choice"
    message = gettext_noop("%(field)s: %(value)s is unknown. Known: %(known)s.")


class WrongCount(InvalidPlan):
    """Nothing chosen, too much chosen or one thing chosen twice."""

    code = "invalid-plan-count"
    message = gettext_noop("%(field)s: choose from 1 to %(high)s, each once; there are %(value)s.")


class WrongType(InvalidPlan):
    """A switch that is neither on nor off, or a field a plan does not have."""

    code = "invalid-plan-type"
    message = gettext_noop("%(field)s has the value %(value)s, which a plan cannot hold.")


class NothingToSweep(InvalidPlan):
    """Several levels of concurrency for scenarios that run at one level only."""

    code = "invalid-plan-sweep"
    message = gettext_noop(
        "%(field)s: a sweep over %(levels)s needs a scenario that has levels (%(swept)s); "
        "%(scenarios)s would run once only. Choose one of them, or enter one level."
    )


class DurationMissing(InvalidPlan):
    """Own values without the one that no profile gives them."""

    code = "invalid-plan-no-duration"
    message = gettext_noop("Duration: own values need one. Enter seconds from 1 to %(high)s.")


class DurationOfProfile(InvalidPlan):
    """A profile has its duration; another one is own values."""

    code = "invalid-plan-duration"
    message = gettext_noop("Duration: this profile soaks for %(seconds)s s. Leave it empty, or choose own values.")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedExecution:
    """One scenario at one level of concurrency, with what it is expected to need."""

    scenario: str
    concurrency: int
    planned_seconds: int
    disk_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlan:
    """The values of a run. Defaults are those of the seeds (domain-facts 1.21).

    `duration_seconds` is the soak of load_reality; the other scenarios have a size, not a duration. `concurrency` with
    several levels is a sweep: one execution per level, for the scenarios that have one (decisions.md, Rules).
    """

    profile: str
    scenarios: tuple[str, ...]
    duration_seconds: int
    concurrency: tuple[int, ...] = DEFAULT_CONCURRENCY
    seed: int = DEFAULT_SEED
    retry_injection: bool = True
    karma_available: bool = False
    anomaly_injection: bool = True

    @classmethod
    def of_profile(cls, *, profile: str, soak_seconds: int, **values: Any) -> Self:
        """The whole suite by a profile; `soak_seconds` is the policy's soak, which profile `full` takes.

        Not yet validated.
        """
        if profile not in PROFILES:
            raise UnknownChoice(field="profile", value=profile, known=", ".join(PROFILES))
        duration = PROFILES[profile]
        defaults: dict[str, Any] = {
            "scenarios": tuple(SCENARIOS),
            "duration_seconds": soak_seconds if duration is None else duration,
        }
        return cls(profile=profile, **(defaults | values))

    @classmethod
    def asked_for(cls, *, profile: str, duration_seconds: int | None, soak_seconds: int, **values: Any) -> Self:
        """The plan somebody asks for, with the seeds' defaults for what they leave open. Not yet validated.

        Raises InvalidPlan for a profile nobody knows and a duration that does not belong to it, as `soak_of`.
        """
        if profile not in (*PROFILES, OWN_PROFILE):
            raise UnknownChoice(field="profile", value=profile, known=", ".join((*PROFILES, OWN_PROFILE)))
        duration = soak_of(profile=profile, entered=duration_seconds, soak_seconds=soak_seconds)
        return cls(profile=profile, duration_seconds=duration, **({"scenarios": tuple(SCENARIOS)} | values))

    def validate(self) -> None:
        """Raise a subclass of InvalidPlan for the first value that a run cannot have."""
        if self.profile not in (*PROFILES, OWN_PROFILE):
            raise UnknownChoice(field="profile", value=self.profile, known=", ".join((*PROFILES, OWN_PROFILE)))
        for code in self.scenarios:
            if code not in SCENARIOS:
                raise UnknownChoice(field="scenarios", value=code, known=", ".join(SCENARIOS))
        _require_distinct(field="scenarios", values=self.scenarios, high=len(SCENARIOS))
        _require_distinct(field="concurrency", values=self.concurrency, high=LEVELS_MAX)
        for level in self.concurrency:
            _require_range(field="concurrency", value=level, low=1, high=CONCURRENCY_MAX)
        self._require_something_to_sweep()
        _require_range(field="duration_seconds", value=self.duration_seconds, low=1, high=DURATION_SECONDS_MAX)
        _require_range(field="seed", value=self.seed, low=0, high=SEED_MAX)
        for name in ("retry_injection", "karma_available", "anomaly_injection"):
            if not isinstance(getattr(self, name), bool):
                raise WrongType(field=name, value=getattr(self, name))

    def _require_something_to_sweep(self) -> None:
        if len(self.concurrency) > 1 and not self.swept_scenarios:
            raise NothingToSweep(
                field="concurrency",
                levels=", ".join(map(str, self.concurrency)),
                swept=", ".join(code for code, scenario in SCENARIOS.items() if scenario.is_swept),
                scenarios=", ".join(self.scenarios),
            )

    def executions(self, *, offered_rate: int = DEFAULT_OFFERED_RATE) -> tuple[PlannedExecution, ...]:
        """The executions in the order of the suite, whatever order was asked for; `offered_rate` is operations/s."""
        return tuple(
            PlannedExecution(
                scenario=code,
                concurrency=level,
                planned_seconds=scenario.planned_seconds(self.duration_seconds),
                disk_bytes=scenario.disk_bytes(self.duration_seconds, offered_rate),
            )
            for code, scenario in SCENARIOS.items()
            if code in self.scenarios
            for level in (self.concurrency if scenario.is_swept else self.concurrency[:1])
        )

    @property
    def swept_scenarios(self) -> tuple[str, ...]:
        """The chosen scenarios that run once per level of concurrency, in the order of the suite."""
        return tuple(code for code, scenario in SCENARIOS.items() if scenario.is_swept and code in self.scenarios)

    @property
    def is_full_suite(self) -> bool:
        """Whether every scenario of the suite is in the plan."""
        return set(self.scenarios) == set(SCENARIOS)

    @property
    def has_default_injections(self) -> bool:
        """Retries and anomalies on, KARMA only where karma_blackout starts its own."""
        return self.retry_injection and self.anomaly_injection and not self.karma_available

    def is_full_run(self, *, soak_seconds: int) -> bool:
        """Whether this can release something.

        Whole suite, default injections, soak at least the policy's (decisions.md).
        """
        return self.is_full_suite and self.has_default_injections and self.duration_seconds >= soak_seconds

    def as_json(self) -> dict[str, Any]:
        """The plan as JSON values: lists instead of tuples, every field by its name."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The plan that `as_json` wrote, validated.

        Raises InvalidPlan for unknown or missing fields and wrong values.
        """
        known = {field.name for field in fields(cls)}
        for name in sorted(set(values) ^ known):
            raise WrongType(field=name, value=values.get(name))
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        plan = cls(**arguments)
        plan.validate()
        return plan


def soak_of(*, profile: str, entered: int | None, soak_seconds: int) -> int:
    """The soak in seconds of a known profile: own values have the one that was entered, the others their own.

    soak_seconds: the policy's, which profile `full` takes. Raises DurationMissing, DurationOfProfile.
    """
    if profile == OWN_PROFILE:
        if entered is None:
            raise DurationMissing(field="duration_seconds", high=DURATION_SECONDS_MAX)
        return entered
    seconds = PROFILES[profile] or soak_seconds
    if entered not in (None, seconds):
        raise DurationOfProfile(field="duration_seconds", seconds=seconds)
    return seconds


def _require_range(*, field: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueOutOfRange(field=field, value=value, low=low, high=high)


def _require_distinct(*, field: str, values: Any, high: int) -> None:
    if not isinstance(values, tuple):
        raise WrongType(field=field, value=values)
    if not 1 <= len(values) <= high or len(set(values)) != len(values):
        raise WrongCount(field=field, value=len(values), high=high)

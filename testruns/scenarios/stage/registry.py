"""The registry of scenarios: a scenario is a function and what it says about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from testruns.scenarios.stage.context import ScenarioContext

RunScenario = Callable[["ScenarioContext"], None]

JOURNAL_BYTES_MIN: Final = 16 * 2**20
"""Disk a scenario is given at least: the active segment is filled ahead, hosts write acknowledgements beside it."""
BYTES_PER_OPERATION: Final = 2048
"""Record, second record of a retried or capped operation, acknowledgement and share of the indexes, rounded up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasurementSpec:
    """A measurement a scenario may report: its name and unit stay for ever, `help` is for people."""

    name: str
    unit: str
    help: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """One scenario. `position` orders the suite; `is_swept` says whether several levels of concurrency make sense.

    `base_seconds` is what it needs on two cores; a scenario that `soaks` needs the plan's duration besides.
    """

    code: str
    position: int
    title: str
    help: str
    measures: tuple[MeasurementSpec, ...]
    is_swept: bool
    soaks: bool
    base_seconds: int
    run: RunScenario

    def planned_seconds(self, duration_seconds: int) -> int:
        """Seconds from start to last measurement, audit included, for a soak of `duration_seconds`."""
        if not self.soaks:
            return self.base_seconds
        return self.base_seconds + duration_seconds + duration_seconds // 60

    def disk_bytes(self, duration_seconds: int, offered_rate: int) -> int:
        """Disk needed at most; `offered_rate` is operations/s and matters only to a scenario that soaks."""
        if not self.soaks:
            return 2 * JOURNAL_BYTES_MIN
        return 2 * JOURNAL_BYTES_MIN + duration_seconds * offered_rate * BYTES_PER_OPERATION

    def spec_of(self, name: str) -> MeasurementSpec:
        """The declaration of a measurement. Raises KeyError for one this scenario does not have."""
        for spec in self.measures:
            if spec.name == name:
                return spec
        raise KeyError(f"{self.code} has no measurement {name}")

    @property
    def names(self) -> frozenset[str]:
        """Names of all measurements it may report."""
        return frozenset(spec.name for spec in self.measures)


class Registry:
    """Scenarios by code; a code or position taken twice stops the import."""

    def __init__(self) -> None:
        """An empty registry."""
        self._scenarios: dict[str, Scenario] = {}

    def scenario(
        self,
        *,
        code: str,
        position: int,
        title: str,
        help: str,  # noqa: A002 - what a person reads when asking for help, as on every other registered thing
        measures: tuple[MeasurementSpec, ...],
        base_seconds: int,
        is_swept: bool = False,
        soaks: bool = False,
    ) -> Callable[[RunScenario], RunScenario]:
        """Register the decorated function under `code`. Raises ValueError when something is declared twice."""

        def register(run: RunScenario) -> RunScenario:
            self._add(
                Scenario(
                    code=code,
                    position=position,
                    title=title,
                    help=help,
                    measures=measures,
                    is_swept=is_swept,
                    soaks=soaks,
                    base_seconds=base_seconds,
                    run=run,
                )
            )
            return run

        return register

    def _add(self, new: Scenario) -> None:
        for known in self._scenarios.values():
            if known.code == new.code or known.position == new.position:
                raise ValueError(f"scenario {new.code} ({new.position}) is taken by {known.code} ({known.position})")
        if len(new.names) != len(new.measures):
            raise ValueError(f"scenario {new.code} declares a measurement twice")
        self._scenarios[new.code] = new

    def in_order(self) -> dict[str, Scenario]:
        """All scenarios by code, in the order of the suite."""
        return {each.code: each for each in sorted(self._scenarios.values(), key=lambda each: each.position)}


REGISTRY: Final = Registry()
scenario: Final = REGISTRY.scenario

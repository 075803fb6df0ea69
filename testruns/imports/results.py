"""What a file of results was read to: measurements for the judge, and the names a person looks for first."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from testruns.gates.measured import Measurement
from testruns.imports.limits import NAME_CHARACTERS_MAX
from testruns.scenarios.stage.registry import MeasurementSpec

Figures = Mapping[str, Decimal | int | None]
"""Values by the name of their measurement; None for what was not measured."""

_UNSEEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedCase:
    """A case that did not pass: `failure` or `error`, and its name as people know it."""

    outcome: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """The files of one kind: their measurements together, and the first cases that did not pass."""

    measurements: tuple[Measurement, ...]
    not_passed: tuple[NamedCase, ...] = ()


def labels(file: str, *, count: int) -> tuple[str, ...]:
    """What refusals call each of the files sent in one field: by its place, where there are several."""
    return (file,) if count == 1 else tuple(f"{file}[{place}]" for place in range(1, count + 1))


def measured(*, specs: Sequence[MeasurementSpec], figures: Figures) -> tuple[Measurement, ...]:
    """The figures as measurements in the order of their declarations. KeyError for one nobody declared."""
    units = {spec.name: spec.unit for spec in specs}
    found = {
        name: Measurement(name=name, value=Decimal(value), unit=units[name])
        for name, value in figures.items()
        if value is not None
    }
    return tuple(found[spec.name] for spec in specs if spec.name in found)


def shown_name(*parts: str) -> str:
    """A name out of a stranger's file as it may stand on a screen and in a manifest: one line, no hidden signs."""
    text = unicodedata.normalize("NFC", " ".join(" ".join(parts).split()))
    seen = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) in _UNSEEN else sign for sign in text)
    return seen if len(seen) <= NAME_CHARACTERS_MAX else f"{seen[: NAME_CHARACTERS_MAX - 1]}…"

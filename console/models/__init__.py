"""Phases and their dependencies."""

from console.models.phase import Phase
from console.models.phase_dependency import PhaseDependency

__all__ = ["Phase", "PhaseDependency"]

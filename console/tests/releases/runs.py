"""Judged runs for releases, as rows with real measurements, evidence files and the real judge."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from console.kernel.acts import Actor
from console.kernel.models import Person
from console.tests.browser.rows import make_judged_run
from testruns.models import Build, Run

SLOW = {"load_reality": {"p95_us": "700000"}}  # E: a major rule fails, below its blocking threshold
WRONG = {"credit_storm": {"double_charges": "1"}}  # A: a critical rule fails

FEW_POINTS = 20  # nobody looks at the charts of these runs

_seeds = itertools.count(100)


def clean_build(*, tree: str = "d4", is_clean: bool = True) -> Build:
    """A build of the product: a name, a commit, a digest of its tree."""
    build, _ = Build.objects.get_or_create(
        name="gatehouse", commit="4f1d2c9ab07e6655d3a1f09b8c7e6d5c4b3a2918", tree_digest=tree * 32, is_clean=is_clean
    )
    return build


def full_run(*, by: Actor | Person, faults: Mapping[str, Mapping[str, str]] | None = None, **changes: Any) -> Run:
    """A judged run of the whole suite with the policy's soak; GO unless a fault is planted."""
    person = by.person if isinstance(by, Actor) else by
    values: dict[str, Any] = {"soak_seconds": 1800, "profile": "full", "seed": next(_seeds), "build": clean_build()}
    return make_judged_run(
        person=person, faults=faults, points=FEW_POINTS, **(values | {"started_at": timezone.now()} | changes)
    )

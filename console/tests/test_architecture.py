"""The pure modules are pure: importing them, packages included, never loads Django."""

from __future__ import annotations

import subprocess
import sys

import pytest

from console.tests.source_files import ROOT, is_test, name_of, tracked
from console.tests.waiting import PATIENT_SECONDS

PURE = (
    "ledger/__init__.py",
    "ledger/engine/",
    "ledger/credits/",
    "testruns/scenarios/",
    "testruns/gates/",
    "testruns/runner.py",
    "testruns/load.py",
    "testruns/sampling.py",
    "testruns/environment.py",
    "testruns/plan.py",
    "testruns/processes.py",
    "testruns/recommendation.py",
    "testruns/trend.py",
    "testruns/manifest.py",
    "testruns/run_states.py",
    "testruns/wording.py",
    "console/kernel/errors.py",
    "console/kernel/authority.py",
    "console/kernel/scopes.py",
    "console/kernel/tokens.py",
    "console/supervisor/guard.py",
    "console/dsse.py",
    "console/attestations.py",
    "console/signing_keys.py",
    "console/certificate/",
    "console/client.py",
    "console/phase_definition.py",
    "console/release_states.py",
    "console/eligibility.py",
    "console/deciding_runs.py",
    "console/checklist.py",
    "console/release_manifest.py",
    "console/review_content.py",
    "console/capabilities.py",
)
MODULES = sorted(
    name_of(path).removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    for path in tracked(".py")
    if name_of(path).startswith(PURE) and not is_test(path)
)
IMPORT_ALL = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
loaded = sorted(name for name in sys.modules if name.split(".")[0] in {"django", "django_q", "axes", "csp"})
sys.exit(f"loaded: {loaded[:5]}" if loaded else 0)
"""


@pytest.mark.parametrize("place", PURE)
def test_every_pure_place_is_there(place: str) -> None:
    """A list that names what no longer exists would guard nothing."""
    assert any(name_of(path).startswith(place) for path in tracked(".py"))


def test_pure_modules_load_without_django() -> None:
    """States, verdicts, recommendation, engine and credits can be tested in milliseconds and trusted alone."""
    imported = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *MODULES], cwd=ROOT, capture_output=True, text=True, timeout=PATIENT_SECONDS
    )

    assert len(MODULES) > 50
    assert imported.returncode == 0, imported.stderr

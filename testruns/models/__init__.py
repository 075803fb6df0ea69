"""The rows of the machine side: what was asked for, what ran, what was measured and how it was judged."""

from .attempt import Attempt
from .build import Build
from .evidence import Evidence
from .finding import Finding
from .gate_policy import GatePolicy
from .gate_result import GateResult
from .measurement import Measurement
from .policy_draft import PolicyDraft
from .policy_edit import PolicyEdit
from .rule_result import RuleResult
from .run import Run
from .run_evidence import RunEvidence
from .scenario_execution import ScenarioExecution
from .triggers import register_triggers

__all__ = [
    "Attempt",
    "Build",
    "Evidence",
    "Finding",
    "GatePolicy",
    "GateResult",
    "Measurement",
    "PolicyDraft",
    "PolicyEdit",
    "RuleResult",
    "Run",
    "RunEvidence",
    "ScenarioExecution",
]

register_triggers()

"""What the database itself refuses: changes to what was judged, to evidence, and to anything that is history.

Registered here in one place because the rules hang together; `console.kernel.triggers` installs them after every
migrate. They test `frozen_at IS NOT NULL` of the run (decisions.md, Database).
"""

from __future__ import annotations

from typing import Final

from console.kernel.triggers import Trigger, refuse, refuse_update_delete, register

RUN: Final = "testruns_run"
EXECUTION: Final = "testruns_scenarioexecution"
ATTEMPT: Final = "testruns_attempt"
DRAFT: Final = "testruns_policydraft"

_FROZEN: Final = "is of a frozen run and cannot be changed"
_HISTORY: Final = "is history and cannot be changed or deleted"


# S608 is answered for these three: they are put together from the constants above, nothing comes from outside.


def _run_is_frozen(row: str) -> str:
    return f"EXISTS (SELECT 1 FROM {RUN} WHERE id = {row}.run_id AND frozen_at IS NOT NULL)"  # noqa: S608


def _run_of_execution_is_frozen(row: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {RUN} r JOIN {EXECUTION} e ON e.run_id = r.id "  # noqa: S608
        f"WHERE e.id = {row}.execution_id AND r.frozen_at IS NOT NULL)"
    )


def _attempt_is_closed(row: str) -> str:
    return f"EXISTS (SELECT 1 FROM {ATTEMPT} WHERE id = {row}.attempt_id AND finished_at IS NOT NULL)"  # noqa: S608


def register_triggers() -> None:
    """Register every trigger of this application; called once, when the models are loaded."""
    refuse(table=RUN, operations=("UPDATE",), condition="OLD.frozen_at IS NOT NULL", reason=_FROZEN)
    refuse(table=RUN, operations=("DELETE",), reason=_HISTORY)
    register(
        Trigger(
            name=f"{RUN}_keeps_its_policy",
            table=RUN,
            operation="UPDATE",
            condition=_differ("policy_id", "build_id", "seed", nulls=("requested_by_id",)),
            reason="keeps the build, the policy, the seed and the person it was requested with",
        )
    )

    refuse(table=EXECUTION, operations=("INSERT",), condition=_run_is_frozen("NEW"), reason=_FROZEN)
    refuse(table=EXECUTION, operations=("UPDATE",), condition=_run_is_frozen("OLD"), reason=_FROZEN)
    refuse(table=EXECUTION, operations=("DELETE",), reason=_HISTORY)

    refuse(table=ATTEMPT, operations=("INSERT",), condition=_run_of_execution_is_frozen("NEW"), reason=_FROZEN)
    refuse(table=ATTEMPT, operations=("UPDATE",), condition="OLD.finished_at IS NOT NULL", reason=_HISTORY)
    refuse(table=ATTEMPT, operations=("DELETE",), reason=_HISTORY)

    refuse(table="testruns_measurement", operations=("INSERT",), condition=_attempt_is_closed("NEW"), reason=_HISTORY)
    refuse_update_delete(table="testruns_measurement", reason=_HISTORY)

    for table in ("testruns_gateresult", "testruns_ruleresult", "testruns_finding"):
        refuse(table=table, operations=("INSERT",), condition=_run_is_frozen("NEW"), reason=_FROZEN)
        refuse(table=table, operations=("UPDATE",), reason=_HISTORY)
        refuse(table=table, operations=("DELETE",), condition=_run_is_frozen("OLD"), reason=_FROZEN)

    refuse(table="testruns_runevidence", operations=("INSERT",), condition=_run_is_frozen("NEW"), reason=_FROZEN)
    refuse_update_delete(table="testruns_runevidence", reason=_HISTORY)
    refuse_update_delete(table="testruns_evidence", reason=_HISTORY)
    refuse_update_delete(table="testruns_build", reason=_HISTORY)

    _register_policies()


def _register_policies() -> None:
    """A policy keeps what it says and who made it; it is activated once. A draft keeps what was submitted."""
    content = _differ("code", "number", "content", "digest")
    activation = _differ("activated_at", nulls=("activated_by_id", "edited_by_id"))
    refuse(
        table="testruns_gatepolicy",
        operations=("UPDATE",),
        condition=f"{content} OR (OLD.activated_at IS NOT NULL "
        f"AND ({activation} OR (NOT OLD.is_active AND NEW.is_active)))",
        reason="keeps code, number, content, digest and its two people for ever and is activated once",
    )
    refuse(table="testruns_gatepolicy", operations=("DELETE",), reason=_HISTORY)
    refuse(
        table=DRAFT,
        operations=("UPDATE",),
        condition=f"OLD.state IN ('ACTIVATED', 'WITHDRAWN') OR {_differ('code', 'number', 'base_id', 'opened_by_id')} "
        f"OR (OLD.state <> 'EDITING' AND ({_differ('content', 'digest')}))",
        reason="is fixed once it was submitted, and history once it was closed",
    )
    refuse(table=DRAFT, operations=("DELETE",), reason=_HISTORY)
    refuse(
        table="testruns_policyedit",
        operations=("INSERT",),
        condition=f"EXISTS (SELECT 1 FROM {DRAFT} WHERE id = NEW.draft_id AND state <> 'EDITING')",  # noqa: S608
        reason="is of a draft that was submitted",
    )
    refuse_update_delete(table="testruns_policyedit", reason=_HISTORY)


def _differ(*columns: str, nulls: tuple[str, ...] = ()) -> str:
    """SQL that is true when one of the columns changes; `nulls` are columns of numbers that may be empty."""
    return " OR ".join(
        [f"OLD.{name} <> NEW.{name}" for name in columns]
        + [f"COALESCE(OLD.{name}, 0) <> COALESCE(NEW.{name}, 0)" for name in nulls]
    )

"""What the database itself refuses: changes to what was judged, to evidence, and to anything that is history.

Registered here in one place because the rules hang together; `console.kernel.triggers` installs them after every
migrate. They test `frozen_at IS NOT NULL` of the run (decisions.md, Database).
"""

from __future__ import annotations

from typing import Final

from console.kernel.triggers import refuse, refuse_update_delete

RUN: Final = "testruns_run"
EXECUTION: Final = "testruns_scenarioexecution"
ATTEMPT: Final = "testruns_attempt"

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

    refuse(
        table="testruns_gatepolicy",
        operations=("UPDATE",),
        condition=" OR ".join(f"OLD.{name} <> NEW.{name}" for name in ("code", "number", "content", "digest")),
        reason="keeps code, number, content and digest for ever",
    )
    refuse(table="testruns_gatepolicy", operations=("DELETE",), reason=_HISTORY)

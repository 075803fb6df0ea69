"""Is what was judged still that? A frozen run's rows, by a digest per table in the audit entry that froze it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from django.db.models import Model, QuerySet

from console.kernel.models import AuditEntry
from console.kernel.verification import Finding as Wrong
from ledger import gettext_noop
from testruns.models import (
    Attempt,
    Build,
    Evidence,
    Finding,
    GateResult,
    Measurement,
    RuleResult,
    Run,
    RunEvidence,
    ScenarioExecution,
)

JUDGED, FROZEN = "run.judge", "run.freeze"
_TABLES: Mapping[type[Model], str] = MappingProxyType(
    {
        Run: "pk",
        Build: "runs",
        ScenarioExecution: "run",
        Attempt: "execution__run",
        Measurement: "attempt__execution__run",
        RunEvidence: "run",
        Evidence: "bindings__run",
        GateResult: "run",
        RuleResult: "run",
        Finding: "run",
    }
)


def digests_of(run_id: int) -> dict[str, str]:
    """SHA-256 over all rows of the run in each table, every column of them, as the database holds them now."""
    return {model._meta.db_table: _digest(model, run_id) for model in _TABLES}


def wrong_runs() -> Iterator[Wrong]:
    """Frozen runs whose rows are not those of the audit entry that froze them, and runs that are gone."""
    known = {entry.object: entry for entry in _entries().iterator(chunk_size=500)}
    for run in Run.objects.filter(frozen_at__isnull=False).order_by("pk").only("pk", "manifest_digest"):
        entry = known.pop(f"run:{run.pk}", None)
        if entry is None:
            template = gettext_noop("run %(run)s was added past the audit trail")
            yield Wrong(where="row", index=0, template=template, params={"run": run.pk})
            continue
        if tables := _altered_tables(run.pk, entry):
            template = gettext_noop("run %(run)s was altered past the audit trail, in: %(tables)s")
            params = {"run": run.pk, "tables": ", ".join(tables)}
            yield Wrong(where="row", index=entry.index, template=template, params=params)
    there = set(Run.objects.values_list("pk", flat=True))
    for name, entry in known.items():
        number = name.removeprefix("run:")
        if not number.isdigit() or int(number) not in there:
            template = gettext_noop("run %(run)s was removed past the audit trail")
            yield Wrong(where="row", index=entry.index, template=template, params={"run": number})


def is_altered(*, run_id: int) -> bool:
    """Whether rows of a frozen run are not those that were judged. Nothing is known of a run that is not frozen."""
    entry = _entries().filter(object=f"run:{run_id}").last()
    return entry is not None and bool(_altered_tables(run_id, entry))


def _entries() -> QuerySet[AuditEntry]:
    done = AuditEntry.objects.filter(act__in=(JUDGED, FROZEN), outcome=AuditEntry.Outcome.DONE)
    return done.order_by("index").only("index", "object", "after")


def _altered_tables(run_id: int, entry: AuditEntry) -> list[str]:
    models = {model._meta.db_table: model for model in _TABLES}
    judged = _judged(entry).items()
    return sorted(table for table, digest in judged if not _is_still(digest, models.get(table), run_id))


def _is_still(digest: str, model: type[Model] | None, run_id: int) -> bool:
    try:
        return model is not None and _digest(model, run_id) == digest
    except ValueError:  # a column holds what was never written, such as the 45th of a month
        return False


def _judged(entry: AuditEntry) -> dict[str, str]:
    """The digests an entry holds; none in those of runs that were frozen before there were any."""
    try:
        judged = json.loads(entry.after).get("judged", {})
    except (ValueError, AttributeError):
        return {}
    return judged if isinstance(judged, dict) else {}


def _digest(model: type[Model], run_id: int) -> str:
    columns = sorted(field.attname for field in model._meta.concrete_fields)
    of_run = model._default_manager.filter(**{_TABLES[model]: run_id}).values("pk")
    rows = model._default_manager.filter(pk__in=of_run).order_by("pk").values(*columns)
    digest = hashlib.sha256()
    for row in rows.iterator(chunk_size=200):
        digest.update(json.dumps(row, sort_keys=True, default=_plain).encode() + b"\n")
    return digest.hexdigest()


def _plain(value: Any) -> str:
    """Times and decimals, the same from every database."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

"""The samples of one scenario execution as JSON or CSV: every one of an attempt that is over, else those known."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from console.kernel.api.pagination import invalid, single
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from testruns.api.attachments import attachment
from testruns.api.documents import told
from testruns.api.schemas import RunSamples
from testruns.evidence import read
from testruns.models import ScenarioExecution

FORMATS = ("json", "csv")
CSV_TYPE = "text/csv; charset=utf-8"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Sample = Mapping[str, Any]


class Samples(NamedTuple):
    """What is known of an execution's latest attempt; `is_complete`: read from its evidence."""

    samples: Sequence[Sample]
    is_complete: bool


class SamplesView(ApiView):
    """The samples of one execution."""

    scope = Scope.EVIDENCE_READ
    parameters = frozenset({"format"})

    @extend_schema(
        summary="Samples of a scenario",
        parameters=[OpenApiParameter("format", str, OpenApiParameter.QUERY, enum=FORMATS)],
        responses={(200, "application/json"): RunSamples, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, run_id: int, execution_id: int) -> HttpResponse:
        """One sample a second. In CSV no cell can be read as a formula."""
        kind = single(request, "format") or FORMATS[0]
        if kind not in FORMATS:
            raise invalid("format", ", ".join(FORMATS))
        execution = ScenarioExecution.objects.filter(pk=execution_id, run_id=run_id).first()
        if execution is None:
            raise Http404
        found = _samples_of(execution)
        if kind == "csv":
            name = f"gatehouse-run-{run_id}-{execution.scenario}-{execution.concurrency}.csv"
            return attachment(csv_of(found.samples), media_type=CSV_TYPE, name=name)
        return HttpResponse(_json_of(execution, found), content_type="application/json")


def csv_of(samples: Sequence[Sample]) -> bytes:
    """One line for each sample, under the names of all of them; `elapsed_ms` first. Text that a spreadsheet would
    calculate gets an apostrophe before it."""
    names = sorted({name for sample in samples for name in sample} - {"elapsed_ms"})
    columns = ["elapsed_ms", *names]
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\r\n")
    writer.writerow([_cell(column) for column in columns])
    writer.writerows([_cell(sample.get(column, "")) for column in columns] for sample in samples)
    return content.getvalue().encode()


def _cell(value: Any) -> str:
    text = str(value)
    is_number = isinstance(value, int | float)
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text


def _json_of(execution: ScenarioExecution, found: Samples) -> bytes:
    return orjson.dumps(
        told(
            run=execution.run_id,
            execution=execution.pk,
            scenario=execution.scenario,
            concurrency=execution.concurrency,
            attempt=execution.attempt_count or None,
            is_complete=found.is_complete,
            samples=found.samples,
        )
    )


def _samples_of(execution: ScenarioExecution) -> Samples:
    """Of the latest attempt. EvidenceMissing, EvidenceDamaged."""
    last = execution.attempts.order_by("-number").first()
    if last is None or last.samples_id is None:
        return Samples(execution.samples, is_complete=False)
    return Samples(list(_lines(read(last.samples_id))), is_complete=True)


def _lines(content: bytes) -> Iterable[Sample]:
    return (json.loads(line) for line in content.splitlines() if line)

"""The addresses of runs, their results and their evidence, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, include, path

from testruns.api import evidence, imports, reports, runs, samples, waits

_EXECUTION = [
    path("cancel/", runs.CancelExecutionView.as_view(), name="api-execution-cancel"),
    path("attempt-again/", runs.AttemptExecutionAgainView.as_view(), name="api-execution-attempt-again"),
    path("samples/", samples.SamplesView.as_view(), name="api-samples"),
]
_RUN: list[URLPattern | URLResolver] = [
    path("", runs.RunView.as_view(), name="api-run"),
    path("wait/", waits.RunWaitView.as_view(), name="api-run-wait"),
    path("cancel/", runs.CancelRunView.as_view(), name="api-run-cancel"),
    path("attempt-again/", runs.AttemptRunAgainView.as_view(), name="api-run-attempt-again"),
    path("run-again/", runs.RunAgainView.as_view(), name="api-run-again"),
    path("report/", reports.ReportView.as_view(), name="api-report"),
    path("manifest/", reports.ManifestView.as_view(), name="api-manifest"),
    path("executions/<int:execution_id>/", include(_EXECUTION)),
]

urlpatterns = [
    path("runs/", runs.RunsView.as_view(), name="api-runs"),
    path("runs/<int:run_id>/", include(_RUN)),
    path("imports/", imports.ImportsView.as_view(), name="api-imports"),
    path("evidence/<str:digest>/", evidence.EvidenceView.as_view(), name="api-evidence"),
]

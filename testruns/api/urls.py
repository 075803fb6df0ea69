"""The addresses of runs, their results and their evidence, below `/api/v1/`."""

from django.urls import path

from testruns.api import evidence, imports, reports, runs, samples, waits

_RUN = "runs/<int:run_id>/"
_EXECUTION = f"{_RUN}executions/<int:execution_id>/"

urlpatterns = [
    path("runs/", runs.RunsView.as_view(), name="api-runs"),
    path(_RUN, runs.RunView.as_view(), name="api-run"),
    path(f"{_RUN}wait/", waits.RunWaitView.as_view(), name="api-run-wait"),
    path(f"{_RUN}cancel/", runs.CancelRunView.as_view(), name="api-run-cancel"),
    path(f"{_RUN}attempt-again/", runs.AttemptRunAgainView.as_view(), name="api-run-attempt-again"),
    path(f"{_RUN}run-again/", runs.RunAgainView.as_view(), name="api-run-again"),
    path(f"{_RUN}report/", reports.ReportView.as_view(), name="api-report"),
    path(f"{_RUN}manifest/", reports.ManifestView.as_view(), name="api-manifest"),
    path(f"{_EXECUTION}cancel/", runs.CancelExecutionView.as_view(), name="api-execution-cancel"),
    path(f"{_EXECUTION}attempt-again/", runs.AttemptExecutionAgainView.as_view(), name="api-execution-attempt-again"),
    path(f"{_EXECUTION}samples/", samples.SamplesView.as_view(), name="api-samples"),
    path("imports/", imports.ImportsView.as_view(), name="api-imports"),
    path("evidence/<str:digest>/", evidence.EvidenceView.as_view(), name="api-evidence"),
]

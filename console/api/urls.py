"""The addresses of the API. Each app brings its own; `/api/v1/` stands before all of them."""

from django.urls import include, path

from console.api import about, badge, builds, phases, pipeline_client, releases

urlpatterns = [
    path("", about.IndexView.as_view(), name="api-index"),
    path("schema/", about.SchemaView.as_view(), name="api-schema"),
    path("problems/", about.ProblemsView.as_view(), name="api-problems"),
    path("problems/<slug:code>/", about.ProblemView.as_view(), name="api-problem"),
    path("token/", about.TokenView.as_view(), name="api-token"),
    path("client.py", pipeline_client.ClientView.as_view(), name="api-client"),
    path("client.py.sha256", pipeline_client.ClientDigestView.as_view(), name="api-client-digest"),
    path("phases/", phases.PhasesView.as_view(), name="api-phases"),
    path("phases/<str:code>/", phases.PhaseView.as_view(), name="api-phase"),
    path("phases/<str:code>/history/", phases.PhaseHistoryView.as_view(), name="api-phase-history"),
    path("phases/<str:code>/gate/", phases.GateView.as_view(), name="api-gate"),
    path("phases/<str:code>/badge.svg", badge.BadgeView.as_view(), name="api-badge"),
    path("releases/<int:request_id>/", releases.ReleaseView.as_view(), name="api-release"),
    path("releases/<int:request_id>/manifest/", releases.ReleaseManifestView.as_view(), name="api-release-manifest"),
    path("releases/<int:request_id>/certificate/", releases.CertificateView.as_view(), name="api-certificate"),
    path("releases/<int:request_id>/bundle/", releases.BundleView.as_view(), name="api-bundle"),
    path("builds/<str:commit>/", builds.BuildView.as_view(), name="api-build"),
    path("", include("testruns.api.urls")),
    path("", include("ledger.api.urls")),
]

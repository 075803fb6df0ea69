"""The addresses of the API. Each app brings its own; `/api/v1/` stands before all of them.

Django tries one pattern after the other, so what is asked hundreds of times a second stands first, in few levels.
"""

from django.urls import include, path

from console.api import about, badge, builds, phases, pipeline_client, releases

_PHASE = [
    path("", phases.PhaseView.as_view(), name="api-phase"),
    path("history/", phases.PhaseHistoryView.as_view(), name="api-phase-history"),
    path("gate/", phases.GateView.as_view(), name="api-gate"),
    path("badge.svg", badge.BadgeView.as_view(), name="api-badge"),
]
_RELEASE = [
    path("", releases.ReleaseView.as_view(), name="api-release"),
    path("manifest/", releases.ReleaseManifestView.as_view(), name="api-release-manifest"),
    path("certificate/", releases.CertificateView.as_view(), name="api-certificate"),
    path("bundle/", releases.BundleView.as_view(), name="api-bundle"),
]

urlpatterns = [
    path("", include("ledger.api.urls")),
    path("", include("testruns.api.urls")),
    path("", about.IndexView.as_view(), name="api-index"),
    path("schema/", about.SchemaView.as_view(), name="api-schema"),
    path("problems/", about.ProblemsView.as_view(), name="api-problems"),
    path("problems/<slug:code>/", about.ProblemView.as_view(), name="api-problem"),
    path("token/", about.TokenView.as_view(), name="api-token"),
    path("client.py", pipeline_client.ClientView.as_view(), name="api-client"),
    path("client.py.sha256", pipeline_client.ClientDigestView.as_view(), name="api-client-digest"),
    path("phases/", phases.PhasesView.as_view(), name="api-phases"),
    path("phases/<str:code>/", include(_PHASE)),
    path("releases/<int:request_id>/", include(_RELEASE)),
    path("builds/<str:commit>/", builds.BuildView.as_view(), name="api-build"),
]

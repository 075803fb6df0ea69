"""The addresses of the API. Each app brings its own; `/api/v1/` stands before all of them."""

from django.urls import include, path

from console.api import about

urlpatterns = [
    path("", about.IndexView.as_view(), name="api-index"),
    path("schema/", about.SchemaView.as_view(), name="api-schema"),
    path("problems/", about.ProblemsView.as_view(), name="api-problems"),
    path("problems/<slug:code>/", about.ProblemView.as_view(), name="api-problem"),
    path("token/", about.TokenView.as_view(), name="api-token"),
    path("", include("testruns.api.urls")),
    path("", include("ledger.api.urls")),
]

"""Addresses. Every screen is a view of the one admin site; `/` leads there."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from console import views
from console.admin import audit, home, notifications, people, releases, tokens  # noqa: F401 - register themselves
from console.api import about, health, metrics

admin.autodiscover()
urlpatterns = [
    path("api/v1/", include("console.api.urls")),  # first, as Django tries one after the other
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("language/", views.set_language, name="set-language"),
    path(".well-known/gatehouse-keys.json", views.signing_keys, name="signing-keys"),
    path("admin/", admin.site.urls),
    path("api/credits/", include("ledger.api.original_urls")),
    path("api/health", health.HealthView.as_view(), name="api-health"),
    path("metrics", metrics.MetricsView.as_view(), name="metrics"),
    re_path(r"^api/", about.nothing_at_all),
]
handler400, handler404, handler500 = about.unreadable, about.nothing_here, about.failed

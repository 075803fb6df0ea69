"""Addresses. Every screen is a view of the one admin site; `/` leads there."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from console import views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("language/", views.set_language, name="set-language"),
    path(".well-known/gatehouse-keys.json", views.signing_keys, name="signing-keys"),
    path("admin/", admin.site.urls),
]

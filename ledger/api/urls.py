"""The addresses of credits, approvals and events, below `/api/v1/`."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

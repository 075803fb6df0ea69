"""The addresses of runs, their results and their evidence, below `/api/v1/`."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []

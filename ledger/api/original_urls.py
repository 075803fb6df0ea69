"""The addresses of the system this ledger learned from, below `/api/credits/`, as there without a slash at the end."""

from django.urls import path

from ledger.api.routes import CREDITS

urlpatterns = [path(route, view.as_view(), name=f"original-credits-{name}") for route, view, name in CREDITS]

"""The addresses of the ledger, below `/api/v1/`."""

from django.urls import include, path

from ledger.api.approvals import ApprovalsView, ApprovalView
from ledger.api.events import EventsView
from ledger.api.orders import TransfersView
from ledger.api.routes import CREDITS

_CREDITS = [
    *(path(f"{route}/", view.as_view(), name=f"api-credits-{name}") for route, view, name in CREDITS),
    path("transfers/", TransfersView.as_view(), name="api-credits-transfers"),
    path("approvals/", ApprovalsView.as_view(), name="api-credits-approvals"),
    path("approvals/<path:request_name>/", ApprovalView.as_view(), name="api-credits-approval"),
]

urlpatterns = [
    path("credits/", include(_CREDITS)),
    path("events/", EventsView.as_view(), name="api-events"),
]

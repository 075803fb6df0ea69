"""The addresses of the ledger, below `/api/v1/`."""

from django.urls import path

from ledger.api.approvals import ApprovalsView, ApprovalView
from ledger.api.events import EventsView
from ledger.api.orders import TransfersView
from ledger.api.routes import CREDITS

urlpatterns = [
    *(path(f"credits/{route}/", view.as_view(), name=f"api-credits-{name}") for route, view, name in CREDITS),
    path("credits/transfers/", TransfersView.as_view(), name="api-credits-transfers"),
    path("credits/approvals/", ApprovalsView.as_view(), name="api-credits-approvals"),
    path("credits/approvals/<path:request_name>/", ApprovalView.as_view(), name="api-credits-approval"),
    path("events/", EventsView.as_view(), name="api-events"),
]

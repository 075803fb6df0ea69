"""The product's addresses, and the emptiest view that asks for a token: the floor that others are held against."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from console.kernel.api.views import ApiView
from console.kernel.scopes import ANY_SCOPE
from console.urls import handler400, handler404, handler500  # noqa: F401
from console.urls import urlpatterns as all_addresses


class EmptyView(ApiView):
    """Nothing, for whoever has a token."""

    scope = ANY_SCOPE

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """An empty object."""
        return Response({})


urlpatterns = [path("api/v1/nothing/", EmptyView.as_view()), *all_addresses]

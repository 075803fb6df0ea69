"""The base of every API view: it reads a bounded body, knows who asks and what their token opens, and answers problems.

A view names its `scope`: one, a set of which any opens it, or one for each method. Without one it cannot be called at
all; what needs no token derives from `PublicView`. Query parameters that a view does not name are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast

from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from console.kernel.acts import Actor
from console.kernel.api.authentication import CHALLENGE, TokenAuthentication, holds_token, source_of
from console.kernel.api.pagination import PAGE_PARAMETERS, Filter, page_of
from console.kernel.api.parsing import BODY_BYTES_MAX, read_body
from console.kernel.api.problems import Problem
from console.kernel.api.throttles import BY_ADDRESS, BY_TOKEN, Throttle
from console.kernel.authority import Act, may, who_may
from console.kernel.errors import NotAllowed, ScopeMissing
from console.kernel.known_roles import known_roles
from console.kernel.models import ApiToken, Person
from console.kernel.scopes import Scope

Scopes = Scope | frozenset[Scope]


class JsonOnly(BaseContentNegotiation):
    """Everything is answered in JSON, whatever the client accepts: a problem it can read beats a 406 without one."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The parser of the body's content type; parameters such as a charset do not matter."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first and only one."""
        only = next(iter(renderers))
        return only, only.media_type


class ApiView(APIView):
    """A view that takes a token with the right scope, of a person whose roles may read."""

    scope: ClassVar[Scopes | Mapping[str, Scopes]]
    parameters: ClassVar[frozenset[str]] = frozenset()  # names of the query that the view reads
    filters: ClassVar[Mapping[str, Filter]] = {}
    orderings: ClassVar[Mapping[str, str]] = {}  # public name -> column that is never null; the first is the default
    body_bytes_max: ClassVar[int] = BODY_BYTES_MAX

    format_kwarg = None
    http_method_names = ("get", "head", "post", "put", "patch", "delete")
    authentication_classes: Sequence[type[BaseAuthentication]] = (TokenAuthentication,)
    content_negotiation_class = JsonOnly

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Everything that is refused before the view looks at anything."""
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        if request.method not in self.allowed_methods:
            raise exceptions.MethodNotAllowed(str(request.method))
        bytes_max = self.body_bytes_max
        if bytes_max > BODY_BYTES_MAX and not holds_token(request._request):
            bytes_max = BODY_BYTES_MAX  # a stranger's thirty megabytes are not even received
        read_body(request._request, bytes_max=bytes_max)
        self.authorise(request)
        self._refuse_unknown_parameters(request)

    def authorise(self, request: Request) -> None:
        """Refuse unless a token with the scope asks, for a person with a role. Raises `Problem` or a refusal."""
        person = request.user
        if not isinstance(person, Person):
            _throttle(BY_ADDRESS, source_of(request._request))
            raise Problem(
                "authentication-required",
                401,
                _("Send a token: Authorization: Bearer gh_…"),
                headers={"WWW-Authenticate": CHALLENGE},
            )
        token = token_of(request)
        _throttle(BY_TOKEN, str(token.pk))
        wanted = self.scopes_of(str(request.method))
        if wanted.isdisjoint(token.scope_set):
            raise ScopeMissing(scopes=", ".join(sorted(wanted)))
        if not may(act=Act.READ, roles=known_roles(person)):
            raise NotAllowed(person=str(person), act=Act.READ.value, roles=", ".join(who_may(act=Act.READ)))

    @classmethod
    def scopes_of(cls, method: str) -> frozenset[Scope]:
        """The scopes of which any opens the view for this method."""
        method = "GET" if method == "HEAD" else method
        scope = cls.scope[method] if isinstance(cls.scope, Mapping) else cls.scope
        return frozenset({scope}) if isinstance(scope, Scope) else scope

    @classmethod
    def known_parameters(cls) -> frozenset[str]:
        """Every name that the query may hold."""
        return cls.parameters | set(cls.filters) | (PAGE_PARAMETERS if cls.orderings else set())

    def prepare(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read what a repeatable POST needs, after its key was claimed and before its transaction begins."""

    def actor(self, request: Request) -> Actor:
        """The person behind the token, as actions take them."""
        token = token_of(request)
        return Actor(
            person=token.person,
            via="api",
            source=source_of(request._request),
            token_id=token.pk,
            scopes=token.scope_set,
        )

    def page(self, request: Request, queryset: Any, *, serialize: Callable[[Any], dict[str, Any]]) -> Response:
        """One page of the rows, by the view's `filters` and `orderings`."""
        page = page_of(
            request, queryset, serialize=serialize, filters=type(self).filters, orderings=type(self).orderings
        )
        return Response(page)

    def _refuse_unknown_parameters(self, request: Request) -> None:
        known = self.known_parameters()
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            raise Problem(
                "unknown-parameter",
                400,
                _("Unknown: %(names)s. Known here: %(known)s.")
                % {"names": ", ".join(unknown)[:200], "known": ", ".join(sorted(known)) or "-"},
                errors=[{"detail": _("There is no such parameter."), "parameter": name[:100]} for name in unknown[:20]],
            )


class PublicView(ApiView):
    """A view that takes no token, and is throttled by address."""

    authentication_classes = ()

    def authorise(self, request: Request) -> None:
        """Everybody may."""
        _throttle(BY_ADDRESS, source_of(request._request))


def token_of(request: Request) -> ApiToken:
    """The token of a request that passed `authorise`."""
    return cast("ApiToken", request.auth)


def _throttle(throttle: Throttle, key: str) -> None:
    if seconds := throttle.take(key):
        raise Problem(
            "too-many-requests",
            429,
            _("Too many requests. Try again in %(seconds)s seconds.") % {"seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )

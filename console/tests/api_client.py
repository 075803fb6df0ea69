"""A client of the API for tests: a token of a person, and requests in JSON with it."""

from __future__ import annotations

import itertools
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from console.kernel.models import ApiToken, Person
from console.kernel.scopes import Scope
from console.kernel.tokens import new_token

_numbers = itertools.count(1)


def token_for(person: Person, *scopes: Scope, **fields: Any) -> str:
    """The text of a new token of this person with these scopes, valid for a day."""
    made, now = new_token(), datetime.now(UTC)
    given = {"name": f"token {next(_numbers)}", "created_by": person, "created_at": now} | fields
    given.setdefault("expires_at", now + timedelta(days=1))
    ApiToken.objects.create(
        person=person, prefix=made.prefix, digest=made.digest, scopes=" ".join(sorted(scopes)), **given
    )
    return made.text


class ApiClient(Client):
    """Sends JSON and a token; a POST gets an Idempotency-Key of its own unless it names one (None: no key)."""

    def __init__(self, token: str = "", **defaults: Any) -> None:
        super().__init__(headers={"Authorization": f"Bearer {token}"} if token else None, **defaults)

    def send(self, path: str, body: Any = None, *, key: str | None = "", **extra: Any) -> Any:
        """POST the body as JSON to a path below /api/v1/."""
        headers = {} if key is None else {"Idempotency-Key": f'"{key or uuid.uuid4()}"'}
        return self.post(
            f"/api/v1/{path}",
            body if body is not None else {},
            content_type="application/json",
            headers=headers,
            **extra,
        )

    def read(self, path: str, query: dict[str, Any] | None = None, **extra: Any) -> Any:
        """GET a path below /api/v1/."""
        return self.get(f"/api/v1/{path}", query, **extra)


def api_client(person: Person, *scopes: Scope, **fields: Any) -> ApiClient:
    """A client with a new token of this person."""
    return ApiClient(token_for(person, *scopes, **fields))

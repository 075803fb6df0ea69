"""Releases as the tests of the console have them, and a client that reads them over the API."""

from __future__ import annotations

import pytest

from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.tests.api_client import ApiClient, token_for
from console.tests.people import person_with
from console.tests.prepared import prepared
from console.tests.releases.conftest import build, request_5a, runs, storage, team

__all__ = ["build", "request_5a", "runs", "storage", "team"]


@pytest.fixture
def reader(db: None) -> ApiClient:
    """A token of an auditor that reads phases, builds and certificates, and nothing else."""
    return ApiClient(prepared("reader", lambda: token_for(person_with(Role.AUDITOR), Scope.PHASES_READ)))

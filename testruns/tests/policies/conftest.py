"""The people around a policy: one who edits, one who activates."""

from __future__ import annotations

import pytest

from console.kernel.acts import Actor
from console.kernel.authority import Role
from console.tests.people import actor_with


@pytest.fixture
def engineer(db: None) -> Actor:
    """Somebody who may edit policies."""
    return actor_with(Role.ENGINEER)


@pytest.fixture
def supervisor(db: None) -> Actor:
    """Somebody who may activate, and edits nothing."""
    return actor_with(Role.SUPERVISOR)

"""One release as programs see it from its decision to its end: every address says the same."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.test import Client

from console.certificate.check import check_certificate
from console.certificates import trusted_keys
from console.kernel.authority import Role
from console.kernel.scopes import Scope
from console.models import ReleaseRequest
from console.release_states import Word
from console.tests.api.releases.test_badge import badge, texts
from console.tests.api_client import ApiClient, api_client
from console.tests.people import person_with
from console.tests.releases.passing_time import outlive
from console.tests.releases.people import Team, decide, sign_three

pytestmark = pytest.mark.django_db


def seen(client: ApiClient, request: ReleaseRequest) -> dict[str, Any]:
    """What each address says of the release."""
    gate = client.read("phases/5a/gate/", {"commit": request.build.commit})
    build = client.read(f"builds/{request.build.commit}/").json()
    return {
        "gate": gate.status_code,
        "exit_code": gate.json()["exit_code"],
        "state": client.read(f"releases/{request.pk}/").json()["state"],
        "phase": client.read("phases/5a/").json()["is_released"],
        "build": next(one["state"] for one in build["phases"] if one["phase"] == "5a"),
        "badge": texts(badge().content)[1].split(" · ")[0],
        "health": Client().get("/api/health").json()["checks"]["governance"]["lapsed"],
        "alert": 'gatehouse_release_lapsed{phase="5a"} 1.0' in Client().get("/metrics").content.decode(),
    }


def test_a_release_from_its_decision_to_its_end(request_5a: ReleaseRequest, team: Team) -> None:
    """A GO opens everywhere at once and its end closes everywhere at once; the signed statement stays as it was."""
    client = api_client(person_with(Role.AUDITOR), Scope.PHASES_READ, Scope.EVIDENCE_READ)
    sign_three(request_5a, team)
    decision = decide(request_5a, Word.GO, by=team.supervisor)

    standing = seen(client, request_5a)
    gate = client.read("phases/5a/gate/", {"commit": request_5a.build.commit}).json()
    certificate = client.read(f"releases/{request_5a.pk}/certificate/").content
    bundle = client.read(f"releases/{request_5a.pk}/bundle/")
    names = zipfile.ZipFile(io.BytesIO(b"".join(bundle.streaming_content))).namelist()
    outlive(decision)
    ended = seen(client, request_5a)

    assert standing == {
        "gate": 200,
        "exit_code": 0,
        "state": "GO",
        "phase": True,
        "build": "GO",
        "badge": "GO",
        "health": [],
        "alert": False,
    }
    assert ended == {
        "gate": 409,
        "exit_code": 1,
        "state": "LAPSED",
        "phase": False,
        "build": "LAPSED",
        "badge": "lapsed",
        "health": ["5a"],
        "alert": True,
    }
    checked = check_certificate(content=certificate, keys=trusted_keys(), now=request_5a.deadline_at)
    assert (checked.exit_code, checked.digest) == (0, gate["certificate"]["digest"])
    assert any(name.endswith(".intoto.jsonl") for name in names), names
    assert client.read(f"releases/{request_5a.pk}/certificate/").content == certificate

"""The client as a file to fetch: the very bytes of the package, with a digest that tools can check."""

from __future__ import annotations

import hashlib
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest

from console import client
from console.tests.api_client import ApiClient

pytestmark = pytest.mark.django_db


def test_the_client_comes_with_its_digest(tmp_path: Path) -> None:
    """`sha256sum --check` takes the digest as it is served; nobody needs a token for either."""
    answer = ApiClient().get("/api/v1/client.py")
    (tmp_path / "client.py").write_bytes(answer.content)
    (tmp_path / "client.py.sha256").write_bytes(ApiClient().get("/api/v1/client.py.sha256").content)

    checked = subprocess.run(["sha256sum", "--check", "client.py.sha256"], cwd=tmp_path, capture_output=True)
    digest = hashlib.sha256(Path(client.__file__).read_bytes())

    assert checked.returncode == 0, checked.stderr
    assert answer.headers["ETag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["Repr-Digest"] == f"sha-256=:{b64encode(digest.digest()).decode()}:"
    assert answer.headers["Content-Type"].startswith("text/x-python")


def test_who_has_the_client_is_not_sent_it_again() -> None:
    """304 for the digest somebody has."""
    tag = ApiClient().get("/api/v1/client.py").headers["ETag"]

    assert ApiClient().get("/api/v1/client.py", headers={"If-None-Match": tag}).status_code == 304

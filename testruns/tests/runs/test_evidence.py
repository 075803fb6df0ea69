"""The evidence store: named by digest, written once, checked on every read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction

from testruns.evidence import EvidenceDamaged, EvidenceMissing, path_of, read, store, store_file
from testruns.models import Evidence

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


def test_stored_bytes_lie_under_their_own_digest() -> None:
    """The name of the file, the row and the SHA-256 of the bytes are one."""
    content = b"what the child said\n"

    evidence = store(content=content, media_type="text/plain")

    assert evidence.digest == hashlib.sha256(content).hexdigest()
    assert evidence.size == len(content)
    assert hashlib.sha256(path_of(evidence.digest).read_bytes()).hexdigest() == evidence.digest
    assert read(evidence.digest) == content


def test_the_same_bytes_twice_are_one_row_and_one_file(storage: Path) -> None:
    """Storing again changes nothing and leaves nothing behind."""
    first = store(content=b"same", media_type="text/plain")
    second = store(content=b"same", media_type="text/plain")

    files = [path for path in (storage / "evidence").rglob("*") if path.is_file()]

    assert first == second
    assert Evidence.objects.count() == 1
    assert files == [path_of(first.digest)]


def test_a_large_file_is_stored_by_the_same_digest_as_its_bytes(tmp_path: Path) -> None:
    """Copying in pieces does not change what is named."""
    source = tmp_path / "large"
    source.write_bytes(b"0123456789" * 300_000)

    evidence = store_file(path=source, media_type="application/octet-stream")

    assert evidence.digest == hashlib.sha256(source.read_bytes()).hexdigest()
    assert evidence.size == 3_000_000


def test_a_changed_file_is_never_handed_on() -> None:
    """Whoever edits evidence on disk is found out at the next read."""
    evidence = store(content=b"the truth", media_type="text/plain")
    path = path_of(evidence.digest)
    path.chmod(0o644)
    path.write_bytes(b"the lie!!")

    with pytest.raises(EvidenceDamaged) as refusal:
        read(evidence.digest)

    assert refusal.value.params["found"] == hashlib.sha256(b"the lie!!").hexdigest()


def test_a_missing_file_is_named() -> None:
    """A row without its bytes is an error of its own, not an empty answer."""
    evidence = store(content=b"gone", media_type="text/plain")
    path_of(evidence.digest).unlink()

    with pytest.raises(EvidenceMissing):
        read(evidence.digest)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_a_digest_names_a_file(digest: str) -> None:
    """No path can be smuggled in."""
    with pytest.raises(ValueError, match="SHA-256"):
        path_of(digest)


@pytest.mark.parametrize("statement", ["UPDATE testruns_evidence SET size = 1", "DELETE FROM testruns_evidence"])
def test_raw_sql_cannot_touch_the_row_of_evidence(statement: str) -> None:
    """The database refuses, whoever asks."""
    store(content=b"kept", media_type="text/plain")

    with pytest.raises(DatabaseError, match="history"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

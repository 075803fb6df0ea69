"""The keys on disk: made once, readable by nobody else, and their public halves never forgotten."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from console import dsse, signing_keys
from console.tests.waiting import PATIENT_SECONDS


def mode_of(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """A second start finds the key; nobody else can read it or list its directory."""
    keys = tmp_path / "keys"

    key_id = signing_keys.create_first(directory=keys)

    assert signing_keys.create_first(directory=keys) == ""
    assert dsse.key_id_of(signing_keys.signing_key(directory=keys).public_key()) == key_id
    assert list(signing_keys.public_keys(directory=keys)) == [key_id]
    assert (mode_of(keys), mode_of(keys / "signing.pem")) == (0o700, 0o600)
    assert sorted(path.name for path in keys.iterdir()) == ["public", "signing.pem"]


def test_first_starts_at_the_same_time_agree_on_one_key(tmp_path: Path) -> None:
    """Whoever comes second takes the key that is there."""
    program = "import sys, pathlib; from console import signing_keys as k; sys.stdin.readline(); "
    program += "print(k.create_first(directory=pathlib.Path(sys.argv[1])))"
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for start in starts:
        assert start.stdin is not None
        start.stdin.write("go\n")
        start.stdin.flush()
    made = [start.communicate(timeout=PATIENT_SECONDS)[0].strip() for start in starts]

    kept = signing_keys.signing_key(directory=tmp_path).public_key()
    assert [key_id for key_id in made if key_id] == [dsse.key_id_of(kept)]
    assert len(signing_keys.public_keys(directory=tmp_path)) == 1


def test_a_rotation_keeps_the_old_public_half_and_drops_the_private_one(tmp_path: Path) -> None:
    """What the old key signed stays verifiable; nobody can sign with it again."""
    first = signing_keys.create_first(directory=tmp_path)
    envelope = dsse.sign(payload_type=dsse.IN_TOTO, body=b"before", key=signing_keys.signing_key(directory=tmp_path))

    rotation = signing_keys.rotate(directory=tmp_path)

    keys = signing_keys.public_keys(directory=tmp_path)
    assert rotation.before == first != rotation.after
    assert set(keys) == {first, rotation.after}
    assert dsse.verify(envelope, keys=keys).key_ids == (first,)
    assert dsse.key_id_of(signing_keys.signing_key(directory=tmp_path).public_key()) == rotation.after
    assert mode_of(tmp_path / "signing.pem") == 0o600


def test_a_lost_private_key_is_said_and_never_replaced_unasked(tmp_path: Path) -> None:
    """A start after the loss creates nothing; a rotation does, on purpose."""
    first = signing_keys.create_first(directory=tmp_path)
    (tmp_path / "signing.pem").unlink()

    assert signing_keys.create_first(directory=tmp_path) == ""
    with pytest.raises(signing_keys.SigningKeyMissing):
        signing_keys.signing_key(directory=tmp_path)
    rotation = signing_keys.rotate(directory=tmp_path)
    assert rotation.before == ""
    assert set(signing_keys.public_keys(directory=tmp_path)) == {first, rotation.after}


def test_a_key_that_others_can_read_signs_nothing(tmp_path: Path) -> None:
    """Others could have signed with it too."""
    signing_keys.create_first(directory=tmp_path)
    (tmp_path / "signing.pem").chmod(0o640)

    with pytest.raises(signing_keys.SigningKeyExposed):
        signing_keys.signing_key(directory=tmp_path)


def test_a_public_half_that_is_missing_is_kept_before_the_key_is_used(tmp_path: Path) -> None:
    """A start killed between the two files leaves nothing that could not be verified later."""
    key_id = signing_keys.create_first(directory=tmp_path)
    (tmp_path / "public" / f"{key_id}.pem").unlink()

    signing_keys.signing_key(directory=tmp_path)

    assert list(signing_keys.public_keys(directory=tmp_path)) == [key_id]


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_private_key_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    """Not a crash of the library, but which file it is."""
    path = tmp_path / "signing.pem"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(signing_keys.NoKeyInFile, match=r"signing\.pem"):
        signing_keys.signing_key(directory=tmp_path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    """An EC key is a key, but not one of ours."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "signing.pem").write_bytes(made)
    (tmp_path / "signing.pem").chmod(0o600)
    (tmp_path / "theirs.pem").write_bytes(public)

    with pytest.raises(signing_keys.NoKeyInFile):
        signing_keys.signing_key(directory=tmp_path)
    with pytest.raises(signing_keys.NoKeyInFile):
        signing_keys.read_public_keys(path=tmp_path / "theirs.pem")


def test_a_public_half_under_a_false_name_is_refused(tmp_path: Path) -> None:
    """The name of the file is the id of the key in it."""
    key_id = signing_keys.create_first(directory=tmp_path)
    path = tmp_path / "public" / f"{key_id}.pem"
    path.rename(path.with_name(f"{'0' * 64}.pem"))

    with pytest.raises(signing_keys.NoKeyInFile):
        signing_keys.public_keys(directory=tmp_path)


def test_what_is_published_can_be_read_as_a_key_file(tmp_path: Path) -> None:
    """The list of the well-known address and a single PEM file both serve to verify; private halves are in neither."""
    first = signing_keys.create_first(directory=tmp_path)
    second = signing_keys.rotate(directory=tmp_path).after
    listed = tmp_path / "gatehouse-keys.json"
    listed.write_text(json.dumps(signing_keys.published(directory=tmp_path)))

    assert set(signing_keys.read_public_keys(path=listed)) == {first, second}
    assert set(signing_keys.read_public_keys(path=tmp_path / "public" / f"{first}.pem")) == {first}
    assert "PRIVATE" not in listed.read_text()
    in_use = {one["keyid"]: one["in_use"] for one in signing_keys.published(directory=tmp_path)["keys"]}
    assert in_use == {first: False, second: True}


@pytest.mark.parametrize("content", ["", "{}", '{"keys": [{}]}', '{"keys": []}', '{"keys": [{"public": "x"}]}', "{"])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: str) -> None:
    """Whoever hands over the wrong file learns so."""
    path = tmp_path / "keys.json"
    path.write_text(content)

    with pytest.raises(signing_keys.NoKeyInFile):
        signing_keys.read_public_keys(path=path)


def test_openssl_reads_the_key_and_agrees_on_its_id(tmp_path: Path) -> None:
    """Other tools can verify: the public half is plain PEM, its id a plain digest."""
    key_id = signing_keys.create_first(directory=tmp_path)
    path = tmp_path / "public" / f"{key_id}.pem"

    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(path), "-outform", "DER"], capture_output=True, check=True
    ).stdout
    digest = subprocess.run(["sha256sum"], input=der, capture_output=True, check=True).stdout.decode()

    assert digest.split()[0] == key_id

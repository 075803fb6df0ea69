"""The keys that sign certificates: one private Ed25519 key in use, and the public halves of all there ever were.

`keys/signing.pem` (mode 0600) is the key in use, `keys/public/<key id>.pem` the public halves, kept for ever so that
old certificates stay verifiable after a rotation. A private key is only handed out once its public half is kept.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from console.dsse import key_id_of
from console.kernel.errors import GatehouseError
from ledger import gettext_noop

SIGNING_FILE: Final = "signing.pem"
PUBLIC_DIRECTORY: Final = "public"
KEY_FILE_BYTES_MAX: Final = 1 << 20


class SigningKeyMissing(GatehouseError):
    """Nothing can be signed: there is no key, or only the public half of one."""

    code = "signing-key-missing"
    message = gettext_noop(
        "There is no signing key at %(path)s. `manage.py up` creates the first one; a lost one comes back from a "
        "backup, or `manage.py rotate_signing_key` makes another."
    )


class SigningKeyExposed(GatehouseError):
    """Others could have signed with it."""

    code = "signing-key-exposed"
    message = gettext_noop(
        "The signing key %(path)s can be read by others. Run chmod 600 on it; if somebody may have read it, "
        "rotate it as well."
    )


class NoKeyInFile(GatehouseError):
    """The file holds no Ed25519 key where one was expected."""

    code = "no-key-in-file"
    message = gettext_noop("%(path)s holds no Ed25519 key of the kind needed here.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotation:
    """Key ids before and after; `before` is empty when there was no key."""

    before: str
    after: str


def create_first(*, directory: Path) -> str:
    """Create the key if this directory never held one; the answer is its id, empty when nothing was created.

    A directory with public halves but no private key is left alone: a lost key is replaced by a rotation, on purpose.
    Two first starts at once agree on one key.
    """
    if (directory / SIGNING_FILE).exists() or public_keys(directory=directory):
        return ""
    key = Ed25519PrivateKey.generate()
    draft = _write_draft(directory, key)
    try:
        os.link(draft, directory / SIGNING_FILE)  # unlike rename, link does not replace what another start has made
    except FileExistsError:
        return ""
    finally:
        draft.unlink()
    _sync(directory)
    return _keep_public_half(directory, key)


def rotate(*, directory: Path) -> Rotation:
    """Put a new key in the place of the one in use, whose private half is gone afterwards. OSError if it cannot."""
    before = ""
    if (directory / SIGNING_FILE).exists():
        before = key_id_of(signing_key(directory=directory).public_key())
    key = Ed25519PrivateKey.generate()
    _write_draft(directory, key).rename(directory / SIGNING_FILE)
    _sync(directory)
    return Rotation(before=before, after=_keep_public_half(directory, key))


def signing_key(*, directory: Path) -> Ed25519PrivateKey:
    """The key in use. Raises SigningKeyMissing, SigningKeyExposed, NoKeyInFile."""
    path = directory / SIGNING_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SigningKeyMissing(path=path) from error
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SigningKeyExposed(path=path)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NoKeyInFile(path=path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise NoKeyInFile(path=path)
    _keep_public_half(directory, key)
    return key


def public_keys(*, directory: Path) -> dict[str, Ed25519PublicKey]:
    """All public halves by key id. Raises NoKeyInFile for a file whose name is not the id of the key in it."""
    found = {}
    for path in sorted((directory / PUBLIC_DIRECTORY).glob("*.pem")):
        key = _public_key_in(path.read_bytes())
        if key is None or key_id_of(key) != path.stem:
            raise NoKeyInFile(path=path)
        found[path.stem] = key
    return found


def read_public_keys(*, path: Path) -> dict[str, Ed25519PublicKey]:
    """The keys in a file that somebody hands over: one public key (PEM), or the list of the well-known address.

    Raises NoKeyInFile, OSError.
    """
    with path.open("rb") as file:
        return public_keys_in(file.read(KEY_FILE_BYTES_MAX), name=str(path))


def public_keys_in(content: bytes, *, name: str) -> dict[str, Ed25519PublicKey]:
    """As `read_public_keys`, for content at hand; `name` is what a refusal calls it. Raises NoKeyInFile."""
    keys = [_public_key_in(text) for text in _pem_texts_in(content)]
    if not keys or None in keys:
        raise NoKeyInFile(path=name)
    return {key_id_of(key): key for key in keys if key is not None}


def published(*, directory: Path) -> dict[str, Any]:
    """What the well-known address says: every public half, and which one is in use."""
    path = directory / SIGNING_FILE
    current = key_id_of(signing_key(directory=directory).public_key()) if path.exists() else ""
    return {
        "keys": [
            {
                "keyid": key_id,
                "algorithm": "ed25519",
                "public": _pem_of(key).decode(),
                "in_use": key_id == current,
            }
            for key_id, key in public_keys(directory=directory).items()
        ]
    }


def _pem_texts_in(content: bytes) -> list[bytes]:
    if not content.lstrip().startswith(b"{"):
        return [content]
    try:
        return [str(one["public"]).encode() for one in json.loads(content)["keys"]]
    except (ValueError, KeyError, TypeError):
        return []


def _public_key_in(content: bytes) -> Ed25519PublicKey | None:
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _pem_of(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _keep_public_half(directory: Path, key: Ed25519PrivateKey) -> str:
    public = key.public_key()
    key_id = key_id_of(public)
    place = directory / PUBLIC_DIRECTORY / f"{key_id}.pem"
    if not place.exists():
        place.parent.mkdir(exist_ok=True, mode=0o755)
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        _write(draft, _pem_of(public), mode=0o644)
        draft.rename(place)
        _sync(place.parent)
    return key_id


def _write_draft(directory: Path, key: Ed25519PrivateKey) -> Path:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = directory / f".{SIGNING_FILE}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    _write(draft, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
    return draft


def _write(path: Path, content: bytes, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

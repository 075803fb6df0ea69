"""The keys of this installation: where they lie, and which of the public halves are on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from console import signing_keys
from console.kernel.authority import Act
from console.kernel.models import AuditEntry

KEPT: Final = "keys.kept"
OBJECT: Final = "key:{}"


def keys_directory() -> Path:
    """Where the keys of this installation are."""
    return Path(settings.STORAGE) / "keys"


def known_keys() -> frozenset[str]:
    """The ids of the keys the audit chain speaks of."""
    done = AuditEntry.objects.filter(act__in=(KEPT, Act.ROTATE_KEYS.value), outcome=AuditEntry.Outcome.DONE)
    return frozenset(name.removeprefix(OBJECT.format("")) for name in done.values_list("object", flat=True))


def trusted_keys() -> dict[str, Ed25519PublicKey]:
    """The public halves that are on record, by key id: one that was merely put into the directory is not trusted."""
    known = known_keys()
    found = signing_keys.public_keys(directory=keys_directory())
    return {key_id: key for key_id, key in found.items() if key_id in known}


def published_keys() -> dict[str, Any]:
    """What the well-known address says."""
    known = known_keys()
    keys = signing_keys.published(directory=keys_directory())["keys"]
    return {"keys": [one for one in keys if one["keyid"] in known]}

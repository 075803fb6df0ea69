"""The signing key of this installation: created at the first start, rotated by an administrator, always on record."""

from __future__ import annotations

from django.db import transaction

from console import signing_keys
from console.certificates.keys import KEPT, OBJECT, keys_directory, known_keys
from console.kernel import audit
from console.kernel.acts import Actor, action
from console.kernel.authority import Act
from console.signing_keys import Rotation


def create_signing_key() -> str:
    """Create the key at the first start, and put every public half the audit chain does not know into it.

    A public half that somebody slipped in to have forged certificates accepted shows in the audit chain this way. The
    answer is the id of the key that was created, empty when there was nothing to do.
    """
    created = signing_keys.create_first(directory=keys_directory())
    known = known_keys()
    with transaction.atomic():
        for key_id in signing_keys.public_keys(directory=keys_directory()):
            if key_id not in known:
                put_on_record(key_id, created=key_id == created)
    return created


def put_on_record(key_id: str, *, created: bool = False) -> None:
    """Let the audit chain name a key. Call it in a transaction."""
    audit.record(actor=None, act=KEPT, object=OBJECT.format(key_id), after={"created": created})


@action(Act.ROTATE_KEYS, target="key:signing")
def rotate_signing_key(*, actor: Actor) -> Rotation:
    """Replace the key in use; what it signed stays verifiable by its public half, which is kept."""
    rotation = signing_keys.rotate(directory=keys_directory())
    audit.record(
        actor=actor,
        act=Act.ROTATE_KEYS.value,
        object=OBJECT.format(rotation.after),
        before={"key": rotation.before},
        after={"key": rotation.after},
    )
    return rotation

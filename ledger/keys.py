"""The keys that sign and check checkpoints of journals: those of this installation, which sign its certificates too.

The two kinds of signed texts begin differently (a note with its origin, an envelope with `DSSEv1`), so that neither can
be taken for the other.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from console import signing_keys
from ledger.conf import keys_directory
from ledger.proof.notes import Signer, TrustedKey


def signer() -> Signer:
    """The key in use. Raises SigningKeyMissing, SigningKeyExposed, NoKeyInFile."""
    key = signing_keys.signing_key(directory=keys_directory())
    return Signer(key.public_key().public_bytes_raw(), key.sign)


def trusted_keys(path: Path | None = None) -> list[TrustedKey]:
    """The public keys in a file that was handed over, or of this installation; none where it has none.

    Raises NoKeyInFile, OSError.
    """
    if path is not None:
        found = signing_keys.read_public_keys(path=path)
    else:
        found = signing_keys.public_keys(directory=keys_directory())
    return [_trusted(key) for key in found.values()]


def _trusted(key: Ed25519PublicKey) -> TrustedKey:
    def has_signed(signature: bytes, text: bytes) -> bool:
        try:
            key.verify(signature, text)
        except InvalidSignature:
            return False
        return True

    return TrustedKey(key.public_bytes_raw(), has_signed)

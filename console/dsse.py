"""DSSE v1.0.2: a signed envelope around exact bytes, with Ed25519 keys.

What is signed is the pre-authentication encoding of payload type and body, so neither can be exchanged. Verifying hands
on the very bytes that were verified; nobody reads the envelope a second time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from console.kernel.errors import GatehouseError
from ledger import gettext_noop

IN_TOTO: Final = "application/vnd.in-toto+json"
ENVELOPE_BYTES_MAX: Final = 8 * 2**20
SIGNATURES_MAX: Final = 16


class EnvelopeRefused(GatehouseError):
    """Base of everything that makes an envelope worthless."""

    code = "envelope-refused"
    message = gettext_noop("This envelope proves nothing.")


class EnvelopeCut(EnvelopeRefused):
    """The text ends before the envelope does."""

    code = "envelope-cut"
    message = gettext_noop("The envelope ends in the middle: the file was cut.")


class EnvelopeMalformed(EnvelopeRefused):
    """The text is no envelope; `field` says where."""

    code = "envelope-malformed"
    message = gettext_noop("This is no DSSE envelope: %(field)s is missing, repeated or of the wrong kind.")


class EnvelopeTooLarge(EnvelopeRefused):
    """No certificate is that long."""

    code = "envelope-too-large"
    message = gettext_noop("The envelope has %(bytes)s bytes; at most %(limit)s are read.")


class OtherPayload(EnvelopeRefused):
    """The envelope holds something else than what was asked for."""

    code = "other-payload"
    message = gettext_noop("The envelope holds %(found)s, not %(expected)s.")


class OtherKey(EnvelopeRefused):
    """Whoever signed it holds none of the keys that are trusted here."""

    code = "other-key"
    message = gettext_noop("It was signed by another key (%(key)s), which is not trusted here.")


class SignatureWrong(EnvelopeRefused):
    """A trusted key is named, but it did not sign these bytes."""

    code = "signature-wrong"
    message = gettext_noop(
        "The signature of key %(key)s does not fit this content: the content was changed or swapped after signing."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Signature:
    """One signature. `key_id` is a hint that nothing authenticates; it decides nothing."""

    key_id: str
    signature: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A body of bytes with its type and its signatures, as read or as made; nothing about it is proven."""

    payload_type: str
    body: bytes
    signatures: tuple[Signature, ...]

    def as_text(self) -> str:
        """The envelope as one line of JSON, without newline; the same envelope is always the same text."""
        content = {
            "payload": base64.b64encode(self.body).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": one.key_id, "sig": base64.b64encode(one.signature).decode()} for one in self.signatures
            ],
        }
        return json.dumps(content, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """The bytes that were verified, and the ids of the trusted keys that had signed them, sorted."""

    body: bytes
    key_ids: tuple[str, ...]


def pae(*, payload_type: str, body: bytes) -> bytes:
    """The pre-authentication encoding: the bytes that are really signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(body), body)


def key_id_of(key: Ed25519PublicKey) -> str:
    """SHA-256 over the key's SubjectPublicKeyInfo in DER: what `openssl pkey -pubin -outform DER` hashes to."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def sign(*, payload_type: str, body: bytes, key: Ed25519PrivateKey) -> Envelope:
    """Put the body into an envelope with one signature. Ed25519 is deterministic: the same input, the same bytes."""
    signature = key.sign(pae(payload_type=payload_type, body=body))
    signed = Signature(key_id=key_id_of(key.public_key()), signature=signature)
    return Envelope(payload_type=payload_type, body=body, signatures=(signed,))


def read(text: str | bytes) -> Envelope:
    """Read an envelope; unknown members are ignored, both base64 alphabets accepted. Proves nothing yet.

    Raises EnvelopeTooLarge, EnvelopeCut, EnvelopeMalformed.
    """
    if len(text) > ENVELOPE_BYTES_MAX:
        raise EnvelopeTooLarge(bytes=len(text), limit=ENVELOPE_BYTES_MAX)
    content = _object_in(text)
    signatures = content.get("signatures")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= SIGNATURES_MAX:
        raise EnvelopeMalformed(field="signatures")
    return Envelope(
        payload_type=_text_in(content, "payloadType"),
        body=_bytes_in(content, "payload"),
        signatures=tuple(_signature_in(one) for one in signatures),
    )


def verify(
    envelope: Envelope, *, keys: Mapping[str, Ed25519PublicKey], payload_type: str = IN_TOTO, threshold: int = 1
) -> Verified:
    """Return the bytes that at least `threshold` different ones of `keys` (by key id) have signed.

    Every signature is tried with every key: the key id in the envelope is only used to word a refusal. Raises
    OtherPayload, OtherKey, SignatureWrong.
    """
    if envelope.payload_type != payload_type:
        raise OtherPayload(found=envelope.payload_type, expected=payload_type)
    signed = pae(payload_type=envelope.payload_type, body=envelope.body)
    accepted = {
        name
        for name, key in keys.items()
        if any(_has_signed(key=key, signature=one.signature, signed=signed) for one in envelope.signatures)
    }
    if len(accepted) < threshold:
        raise _refusal_of(envelope, keys)
    return Verified(body=envelope.body, key_ids=tuple(sorted(accepted)))


def _refusal_of(envelope: Envelope, keys: Mapping[str, Ed25519PublicKey]) -> EnvelopeRefused:
    named = next((one.key_id for one in envelope.signatures if one.key_id in keys), None)
    if named is not None:
        return SignatureWrong(key=named)
    return OtherKey(key=envelope.signatures[0].key_id or "?")


def _has_signed(*, key: Ed25519PublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _object_in(text: str | bytes) -> dict[str, Any]:
    try:
        content = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        ending = b"}" if isinstance(text, bytes) else "}"
        if isinstance(error, json.JSONDecodeError) and not text.rstrip().endswith(ending):  # type: ignore[arg-type]
            raise EnvelopeCut from error
        raise EnvelopeMalformed(field="JSON") from error
    if not isinstance(content, dict):
        raise EnvelopeMalformed(field="JSON")
    return content


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A member that stands there twice would be read one way here and another way elsewhere."""
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        raise EnvelopeMalformed(field=next(name for name in names if names.count(name) > 1))
    return content


def _signature_in(one: object) -> Signature:
    if not isinstance(one, dict):
        raise EnvelopeMalformed(field="signatures")
    key_id = one.get("keyid", "")
    if not isinstance(key_id, str):
        raise EnvelopeMalformed(field="keyid")
    return Signature(key_id=key_id, signature=_bytes_in(one, "sig"))


def _text_in(content: dict[str, Any], field: str) -> str:
    value = content.get(field)
    if not isinstance(value, str):
        raise EnvelopeMalformed(field=field)
    return value


def _bytes_in(content: dict[str, Any], field: str) -> bytes:
    text = _text_in(content, field).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise EnvelopeMalformed(field=field) from error

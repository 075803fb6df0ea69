"""Signed notes in the format of C2SP (c2sp.org/signed-note): a text, an empty line, one line per signature.

Signing and checking are callables that are handed in; which algorithm and which library they use is not known here,
except that the key ids are those of Ed25519.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ledger.proof.errors import CheckpointMalformed, CheckpointOtherKey, CheckpointSignatureWrong

NOTE_BYTES_MAX = 16 * 1024
SIGNATURES_MAX = 16

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_MARK = "\N{EM DASH} "


class Signer(NamedTuple):
    """Who signs: the public key (32 raw bytes) and what makes the signature of a text."""

    public: bytes
    sign: Callable[[bytes], bytes]


class TrustedKey(NamedTuple):
    """Whose signature counts: the public key (32 raw bytes), and whether a signature is that of a text."""

    public: bytes
    has_signed: Callable[[bytes, bytes], bool]


def key_id(name: str, public: bytes) -> bytes:
    """The four bytes in front of each signature of this key under this name."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:_KEY_ID_BYTES]


def sign_note(text: str, *, name: str, signer: Signer) -> bytes:
    """The note of a text (which ends in a newline), signed under this name."""
    signature = key_id(name, signer.public) + signer.sign(text.encode())
    return f"{text}\n{_MARK}{name} {base64.b64encode(signature).decode()}\n".encode()


def text_of(content: bytes) -> str:
    """The text of a note, whoever signed it. Raises CheckpointMalformed."""
    return _parts(content)[0]


def open_note(content: bytes, *, name: str, keys: Sequence[TrustedKey]) -> str:
    """The text of a note that one of ``keys`` has signed under this name; signatures of others are not looked at.

    Raises CheckpointMalformed, CheckpointOtherKey, CheckpointSignatureWrong.
    """
    text, signatures = _parts(content)
    known = [(key_id(name, key.public), key) for key in keys]
    pairs = [
        (key, signature[_KEY_ID_BYTES:])
        for said, signature in signatures
        for number, key in known
        if said == name and signature.startswith(number)
    ]
    if not pairs:
        raise CheckpointOtherKey
    if not any(key.has_signed(signature, text.encode()) for key, signature in pairs):
        raise CheckpointSignatureWrong
    return text


def _parts(content: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(content) > NOTE_BYTES_MAX:
        raise CheckpointMalformed(field="size")
    try:
        note = content.decode()
    except UnicodeDecodeError as error:
        raise CheckpointMalformed(field="UTF-8") from error
    if any(letter < " " and letter != "\n" for letter in note):
        raise CheckpointMalformed(field="text")
    text, separator, rest = note.rpartition("\n\n")
    lines = rest.splitlines()
    if not separator or not note.endswith("\n") or not 1 <= len(lines) <= SIGNATURES_MAX:
        raise CheckpointMalformed(field="signature")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, separator, encoded = line.removeprefix(_MARK).rpartition(" ")
    try:
        signature = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointMalformed(field="signature") from error
    if not line.startswith(_MARK) or not separator or not name or len(signature) <= _KEY_ID_BYTES:
        raise CheckpointMalformed(field="signature")
    return name, signature

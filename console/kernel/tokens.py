"""The text of an API token, what is stored of it, and the signature of a request.

`gh_<prefix>_<secret>`: the prefix is shown and searched for, the secret has 256 bits and is stored only within the
SHA-256 of the whole text. A slow hash would protect weak secrets; these are not chosen by people.

A signed request proves besides the token a second secret that never travels. It is derived from the installation's key
and the prefix, so a copy of the database holds neither.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from dataclasses import dataclass

_ALPHABET = string.ascii_letters + string.digits
_PREFIX_CHARACTERS, _SECRET_CHARACTERS = 8, 43
_SHAPE = re.compile(rf"gh_([A-Za-z0-9]{{{_PREFIX_CHARACTERS}}})_[A-Za-z0-9]{{{_SECRET_CHARACTERS}}}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewToken:
    """A token as it is shown once, and the two parts of it that are kept."""

    text: str
    prefix: str
    digest: str


def new_token() -> NewToken:
    """Make a token from the operating system's randomness."""
    prefix, secret = (_random(count) for count in (_PREFIX_CHARACTERS, _SECRET_CHARACTERS))
    text = f"gh_{prefix}_{secret}"
    return NewToken(text=text, prefix=prefix, digest=digest_of_token(text))


def prefix_of(text: str) -> str:
    """The prefix of a text that has the shape of a token; empty for any other."""
    shape = _SHAPE.fullmatch(text)
    return shape[1] if shape else ""


def digest_of_token(text: str) -> str:
    """What is stored of a token: the SHA-256 of its text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_token(text: str, *, digest: str) -> bool:
    """Whether the text is the token with this digest; takes the same time for every text."""
    return hmac.compare_digest(digest_of_token(text), digest)


def signing_secret(*, prefix: str, key: str) -> str:
    """The second secret of the token with this prefix under the installation's key: `ghs_` and 64 hex digits."""
    return "ghs_" + hmac.new(key.encode(), f"gatehouse request signing {prefix}".encode(), hashlib.sha256).hexdigest()


def signature_of(*, secret: str, timestamp: str, nonce: str, method: str, target: str, body: bytes) -> str:
    """The signature of a request: `v1=` and the HMAC-SHA256, in hex, over five lines.

    The lines are timestamp (Unix seconds), nonce, method, target (path and query as sent), SHA-256 of the body in hex.
    """
    lines = "\n".join([timestamp, nonce, method, target, hashlib.sha256(body).hexdigest()])
    return "v1=" + hmac.new(secret.encode(), lines.encode(), hashlib.sha256).hexdigest()


def is_nonce(text: str) -> bool:
    """Whether the text can be a nonce: 16 to 64 letters, digits, hyphens and underscores."""
    return _NONCE.fullmatch(text) is not None


def _random(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))

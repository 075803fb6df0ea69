"""A first password in two halves: who proposes a reset sees one, who confirms it sees the other, nobody sees both.

The halves are made from the reset's seed and the secret key, so no row holds one and each can be shown where it is due.
"""

from __future__ import annotations

import base64

from django.utils.crypto import salted_hmac

_SALT = "console.kernel.first_password"
_CHARACTERS = 10  # 50 bits in each half


def first_half(*, seed: str) -> str:
    """What the proposer tells the owner."""
    return _half(seed, "first")


def second_half(*, seed: str) -> str:
    """What the second person tells the owner."""
    return _half(seed, "second")


def whole(*, seed: str) -> str:
    """What the owner signs in with, once."""
    return f"{first_half(seed=seed)}-{second_half(seed=seed)}"


def _half(seed: str, which: str) -> str:
    digest = salted_hmac(f"{_SALT}.{which}", seed, algorithm="sha256").digest()
    text = base64.b32encode(digest).decode().lower()[:_CHARACTERS]
    return f"{text[: _CHARACTERS // 2]}-{text[_CHARACTERS // 2 :]}"

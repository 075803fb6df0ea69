"""Checking the files somebody has in hand, without database and Django: certificate, trusted keys, perhaps a status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from console.certificate.check import EXIT_NOT_IN_FORCE, EXIT_WRONG, check_certificate
from console.certificate.status import StatusRefused, read_status
from console.dsse import EnvelopeRefused
from console.kernel.errors import GatehouseError
from console.signing_keys import public_keys_in

EXIT_UNREADABLE: Final = 4


def check_file(
    content: bytes, *, keys: bytes, status: bytes | None = None, is_status_required: bool = False
) -> tuple[int, list[str]]:
    """The exit code (as of `manage.py verify_certificate`, 4 for keys that are none) and in English what was checked.

    keys: one public key (PEM) or the list of the well-known address. status: a signed status file.
    """
    now = datetime.now(UTC)
    try:
        trusted = public_keys_in(keys, name="The file of keys")
        known = read_status(status, keys=trusted, now=now) if status is not None else None
    except GatehouseError as refusal:
        code = EXIT_NOT_IN_FORCE if isinstance(refusal, StatusRefused) else EXIT_UNREADABLE
        return EXIT_WRONG if isinstance(refusal, EnvelopeRefused) else code, [str(refusal)]
    checked = check_certificate(
        content=content, keys=trusted, now=now, status=known, is_status_required=is_status_required
    )
    return checked.exit_code, [f"[{one.result}] {one.said(str)}" for one in (*checked.checks, checked.last)]

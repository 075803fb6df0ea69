"""What `manage.py up` refuses before Django is loaded.

Loading the settings makes the storage and its secret key; a start that is refused must leave nothing behind. `up` asks
again when it takes lock and port, since another start may have been quicker.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from console.environment import storage_of
from console.supervisor import address, storage_lock

DEFAULT_PORT = 8000
PORT_MAX = 65_535


class BadPort(Exception):
    """There is no such port."""


def port_of(environ: Mapping[str, str], *, asked: int | None) -> int:
    """The port that was asked for on the command line, that PORT names, or 8000. Raises BadPort."""
    if asked is not None:
        if not 0 <= asked <= PORT_MAX:
            raise BadPort(f"The port is {asked}; it must be a number from 0 to {PORT_MAX}.")
        return asked
    named = environ.get("PORT", "")
    if not named:
        return DEFAULT_PORT
    if not (named.isascii() and named.isdigit()) or int(named) > PORT_MAX:
        raise BadPort(f"PORT is {named!r}; it must be a number from 0 to {PORT_MAX}.")
    return int(named)


def refuse_early(arguments: Sequence[str], *, environ: Mapping[str, str], base: Path) -> None:
    """End with one sentence when the storage is in use or the port cannot be had. `arguments` are those of `up`."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--port", type=int, default=None)
    asked = parser.parse_known_args(list(arguments))[0].port
    try:
        storage_lock.require_free(storage=storage_of(environ, base=base))
        address.listen(port=port_of(environ, asked=asked)).close()
    except (storage_lock.StorageInUse, address.PortTaken, BadPort, PermissionError) as refusal:
        raise SystemExit(str(refusal)) from None

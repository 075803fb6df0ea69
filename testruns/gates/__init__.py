"""Gates: hard questions over measurements. One file per gate; every file named `<letter>_<title>.py` is loaded here."""

from __future__ import annotations

import importlib
import pkgutil
import re

_GATE_FILE = re.compile(r"[a-z]_\w+")


def _load_gate_files() -> None:
    """Import every gate file so that it registers itself; a code taken twice stops this import."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        if _GATE_FILE.fullmatch(module.name):
            importlib.import_module(f"{__name__}.{module.name}")


_load_gate_files()

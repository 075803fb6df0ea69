#!/usr/bin/env python3
"""The command line of the console: `python manage.py COMMAND`."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    try:
        if sys.argv[1:2] == ["up"]:
            from console.supervisor.early import refuse_early

            refuse_early(sys.argv[2:], environ=os.environ, base=Path(__file__).resolve().parent)
        from django.core.management import execute_from_command_line
    except ImportError as missing:
        raise SystemExit(
            "Django is not installed here. Run `make run` once, then .venv/bin/python manage.py."
        ) from missing
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()

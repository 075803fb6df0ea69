"""Which system checks a command makes before it works: those of the installation that it is to work on.

The others judge the program, with every page and address loaded. `manage.py check` makes them all, and so do the tests.
"""

from typing import Final

INSTALLATION: Final = "installation"
"""The tag of checks of settings, storage and live journal."""

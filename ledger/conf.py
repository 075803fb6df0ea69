"""Where the journals of this installation are."""

from pathlib import Path

from django.conf import settings


def events_directory() -> Path:
    """The directory of all journals outside of runs."""
    return Path(settings.STORAGE) / "events"


def live_journal() -> Path:
    """The live credit journal."""
    return events_directory() / "credits"


def imports_directory() -> Path:
    """Where imported legacy journals stand, one directory each."""
    return events_directory() / "imports"


def archive_directory() -> Path:
    """Where `ledger reset` puts what it takes away."""
    return events_directory() / "archive"


def storage_lock() -> Path:
    """The file that a running console holds locked (`manage.py up`)."""
    return Path(settings.STORAGE) / "up.lock"


def keys_directory() -> Path:
    """Where the keys of this installation are."""
    return Path(settings.STORAGE) / "keys"

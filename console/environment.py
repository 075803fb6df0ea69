"""What the environment says about this installation, checked: storage, secret key, hosts, database."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

SECRET_KEY_LENGTH_MIN = 50
ATTESTATION_BASE = "https://gatehouse.example"
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
SQLITE_WAIT_SECONDS = 20
CONNECTION_SECONDS_MAX = 600  # opening SQLite anew costs a poll a third of its time; the server's threads are few


def storage_of(environ: Mapping[str, str], *, base: Path) -> Path:
    """The directory that holds everything to be kept, as an absolute path; it need not exist yet."""
    named = environ.get("GATEHOUSE_STORAGE", "")
    return Path(named).expanduser().absolute() if named else base / "storage"


def time_zone_of(environ: Mapping[str, str]) -> str:
    """The zone in which times are said to who has chosen none, by its IANA name; UTC unless somebody says otherwise."""
    named = environ.get("GATEHOUSE_TIME_ZONE", "").strip() or "UTC"
    try:
        ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"GATEHOUSE_TIME_ZONE names no time zone: {named!r}. Use one like Europe/Berlin."
        ) from None
    return named


def flag_of(environ: Mapping[str, str], name: str) -> bool:
    """Read a yes or no. Raises `ImproperlyConfigured` on anything else, so that a typing mistake is never a no."""
    value = environ.get(name, "").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; write 1 or 0.")


def secret_key_of(environ: Mapping[str, str], *, keys: Path, is_production: bool) -> str:
    """The secret key: from the environment, else from `keys`, where the first start creates it (mode 0600).

    Raises `ImproperlyConfigured` when it is too short, or in production when others may read its file.
    """
    key = environ.get("GATEHOUSE_SECRET_KEY", "")
    if not key:
        path = keys / "secret-key"
        key = _read_or_create(path)
        if is_production and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ImproperlyConfigured(f"{path} can be read by others; run: chmod 600 {path}")
    if len(key) < SECRET_KEY_LENGTH_MIN or len(set(key)) < 10:
        raise ImproperlyConfigured(f"The secret key needs at least {SECRET_KEY_LENGTH_MIN} unpredictable characters.")
    return key


def hosts_of(environ: Mapping[str, str], *, is_production: bool) -> list[str]:
    """The host names that are answered: the loopback ones, or in production exactly those of GATEHOUSE_HOSTS."""
    if not is_production:
        return list(LOOPBACK_HOSTS)
    hosts = [host.strip() for host in environ.get("GATEHOUSE_HOSTS", "").split(",") if host.strip()]
    if not hosts or any("*" in host for host in hosts):
        raise ImproperlyConfigured("GATEHOUSE_PRODUCTION needs GATEHOUSE_HOSTS: the host names, without wildcards.")
    return hosts


def attestation_base_of(environ: Mapping[str, str]) -> str:
    """The address under which certificates name their types; it need not answer. Raises `ImproperlyConfigured`."""
    base = environ.get("GATEHOUSE_ATTESTATION_BASE", "") or ATTESTATION_BASE
    parts = urlsplit(base)
    if parts.scheme != "https" or not parts.netloc or parts.query or parts.fragment or base.endswith("/"):
        raise ImproperlyConfigured("GATEHOUSE_ATTESTATION_BASE must read https://name or https://name/path.")
    return base


def database_of(environ: Mapping[str, str], *, storage: Path) -> dict[str, Any]:
    """Django's settings of the database: DATABASE_URL, else SQLite in the storage."""
    url = environ.get("DATABASE_URL", "")
    return _postgresql_of(url) if url else _sqlite_at(storage / "gatehouse.sqlite3")


def _sqlite_at(path: Path) -> dict[str, Any]:
    # IMMEDIATE: with SQLite's default a transaction that reads before it writes fails at once under contention.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": CONNECTION_SECONDS_MAX,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": SQLITE_WAIT_SECONDS,
            "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL",
        },
    }


def _postgresql_of(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured("DATABASE_URL must read postgresql://user:password@host:port/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": CONNECTION_SECONDS_MAX,
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def _read_or_create(path: Path) -> str:
    """Read the key; create it first if nobody has. Two first starts at once agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # unlike rename, link does not replace the key another start has just made
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()

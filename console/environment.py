"""What the environment says about this installation, checked: storage, secret key, hosts, address, database, e-mail."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

SECRET_KEY_LENGTH_MIN = 50
ATTESTATION_BASE = "https://gatehouse.example"
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
SQLITE_WAIT_SECONDS = 20
MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
MAIL_FROM = "gatehouse@localhost"
BASE_URL = "http://127.0.0.1:8000"
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


def base_url_of(environ: Mapping[str, str], *, hosts: list[str], is_production: bool) -> str:
    """The address under which people open this console, for links in e-mails; in production HTTPS and a name of ours.

    Raises `ImproperlyConfigured`: a link in an e-mail must not lead anywhere else.
    """
    base = environ.get("GATEHOUSE_BASE_URL", "").strip() or (f"https://{hosts[0]}" if is_production else BASE_URL)
    parts = urlsplit(base)
    is_plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and base == f"{parts.scheme}://{parts.netloc}"
    if not is_plain or "@" in parts.netloc or (parts.hostname or "").startswith("."):
        raise ImproperlyConfigured("GATEHOUSE_BASE_URL must read https://name or https://name:port, without a path.")
    if is_production and (parts.scheme != "https" or parts.hostname not in hosts):
        raise ImproperlyConfigured("GATEHOUSE_BASE_URL must be https and one of the names in GATEHOUSE_HOSTS.")
    return base


@dataclass(frozen=True, kw_only=True, slots=True)
class MailSettings:
    """How e-mails leave: by this server, or without a host as files."""

    sender: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    is_tls: bool = False
    is_starttls: bool = False

    @property
    def backend(self) -> str:
        """Django's name of what sends them."""
        return f"django.core.mail.backends.{'smtp' if self.host else 'filebased'}.EmailBackend"


def mail_of(environ: Mapping[str, str], *, is_production: bool) -> MailSettings:
    """How e-mails leave: GATEHOUSE_MAIL_URL and GATEHOUSE_MAIL_FROM. Raises `ImproperlyConfigured`.

    Passwords never travel in clear, and in production neither does what is told; this machine's own relay is near.
    """
    sender = environ.get("GATEHOUSE_MAIL_FROM", "").strip()
    url = environ.get("GATEHOUSE_MAIL_URL", "").strip()
    if (sender or (url and is_production)) and not _is_address(sender):
        raise ImproperlyConfigured("GATEHOUSE_MAIL_FROM must be one e-mail address: name@host.")
    return (
        _smtp_of(url, sender=sender or MAIL_FROM, is_production=is_production)
        if url
        else MailSettings(sender=sender or MAIL_FROM)
    )


def _smtp_of(url: str, *, sender: str, is_production: bool) -> MailSettings:
    try:
        parts = urlsplit(url)
        port = parts.port or MAIL_PORTS[parts.scheme]
        is_plain = bool(parts.hostname) and not (parts.path.strip("/") or parts.query or parts.fragment)
    except (ValueError, KeyError):
        is_plain = False
    if not is_plain:
        raise ImproperlyConfigured(
            "GATEHOUSE_MAIL_URL must read smtps://user:password@host:port, smtp+starttls://… or smtp://…, with % signs "
            "for special characters."
        )
    host, user = parts.hostname or "", unquote(parts.username or "")
    is_near = host in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme == "smtp" and not is_near and (is_production or user):
        raise ImproperlyConfigured(
            "GATEHOUSE_MAIL_URL is smtp:// to another machine: use smtps:// or smtp+starttls://."
        )
    return MailSettings(
        sender=sender,
        host=host,
        port=port,
        user=user,
        password=unquote(parts.password or ""),
        is_tls=parts.scheme == "smtps",
        is_starttls=parts.scheme == "smtp+starttls",
    )


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


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

"""The bundle of a certificate: one ZIP file with the envelopes, the manifest and every piece of evidence.

The same certificate always makes the same bytes: files stand in order, uncompressed, without times of their own. Every
file but the envelopes is named by its SHA-256 and listed in the decision itself, so the bundle needs no signature.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from console import dsse
from console.kernel.errors import GatehouseError
from ledger import gettext_noop

ENVELOPES_NAME: Final = "certificate.intoto.jsonl"
FILES_MAX: Final = 10_000
BYTES_MAX: Final = 2**30
CHUNK_BYTES: Final = 1 << 20
_START_OF_ZIP: Final = b"PK"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_READ_ONLY: Final = 0o444 << 16
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,
    EOFError,
    OSError,
    RuntimeError,  # encrypted
    NotImplementedError,  # compressed by an unknown method
    ValueError,
)


class BundleDamaged(GatehouseError):
    """The ZIP file cannot be read to its end."""

    code = "bundle-damaged"
    message = gettext_noop("The bundle cannot be read: it was cut or damaged.")


class BundleTooLarge(GatehouseError):
    """More or larger files than any certificate has."""

    code = "bundle-too-large"
    message = gettext_noop("The bundle holds more than a certificate can: it is not unpacked.")


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleFile:
    """One file of a bundle. `name` ends with the digest and a suffix: `evidence/<sha256>.bin`."""

    name: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleContent:
    """What a bundle holds: the envelopes as bytes, and the SHA-256 of every other file by its name."""

    envelopes: bytes
    digests: dict[str, str]


def envelope_lines(*envelopes: str) -> bytes:
    """Envelopes as a bundle of JSON lines; empty ones are left out."""
    return "".join(f"{envelope}\n" for envelope in envelopes if envelope).encode()


def write_bundle(*, target: BinaryIO, envelopes: bytes, files: Iterable[BundleFile]) -> None:
    """Write the ZIP file. The caller gives the files in a fixed order and no two of one name."""
    with zipfile.ZipFile(target, "w", compression=zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry(ENVELOPES_NAME), envelopes)
        for file in files:
            archive.writestr(_entry(file.name), file.content)


def is_bundle(content: bytes) -> bool:
    """Whether these bytes begin like a ZIP file; JSON never does."""
    return content.startswith(_START_OF_ZIP)


def read_bundle(content: bytes) -> BundleContent:
    """Read a bundle without unpacking it to disk. Raises BundleDamaged, BundleTooLarge."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]  # some who pack it anew list them
            _require_sane(entries)
            envelopes = archive.read(ENVELOPES_NAME)
            digests = {
                entry.filename: _digest_of(archive, entry) for entry in entries if entry.filename != ENVELOPES_NAME
            }
    except _UNREADABLE as error:
        raise BundleDamaged from error
    return BundleContent(envelopes=envelopes, digests=digests)


def name_says(name: str) -> str:
    """The digest that a file of a bundle is named by; what stands before the first dot of its last part."""
    return PurePosixPath(name).name.partition(".")[0]


def _require_sane(entries: list[zipfile.ZipInfo]) -> None:
    """Before anything is unpacked: how much it claims to be. A claim that lies stops the reading by its checksum."""
    names = {entry.filename for entry in entries}
    if len(names) != len(entries):
        raise zipfile.BadZipFile("a name stands there twice")
    size = sum(entry.file_size for entry in entries)
    envelopes = sum(entry.file_size for entry in entries if entry.filename == ENVELOPES_NAME)
    if len(entries) > FILES_MAX or size > BYTES_MAX or envelopes > 2 * dsse.ENVELOPE_BYTES_MAX:
        raise BundleTooLarge


def _digest_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    digest = hashlib.sha256()
    with archive.open(entry) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_EPOCH)
    entry.external_attr = _READ_ONLY
    entry.create_system = 3  # the same on every system
    return entry

"""Certificates read from rows: what they are made of, how they stand, how they are printed. Writes nothing."""

from console.certificates.facts import facts_of
from console.certificates.keys import keys_directory, known_keys, published_keys, trusted_keys
from console.certificates.pieces import BundleIncomplete, bundle_files, evidence_of
from console.certificates.printed import CertificateDamaged, Printed, PrintedSignature, printed
from console.certificates.released import certified
from console.certificates.standing import status_now, status_of

__all__ = [
    "BundleIncomplete",
    "CertificateDamaged",
    "Printed",
    "PrintedSignature",
    "bundle_files",
    "certified",
    "evidence_of",
    "facts_of",
    "keys_directory",
    "known_keys",
    "printed",
    "published_keys",
    "status_now",
    "status_of",
    "trusted_keys",
]

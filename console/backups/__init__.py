"""Backup and restore of a whole installation: database, journals, evidence and keys, as of one moment."""

from console.backups.contents import BackupRefused
from console.backups.making import Backup, make_backup
from console.backups.restoring import Restored, restore

__all__ = ["Backup", "BackupRefused", "Restored", "make_backup", "restore"]

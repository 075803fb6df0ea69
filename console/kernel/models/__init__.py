"""People and the audit chain."""

from console.kernel.models.audit_entry import AuditEntry
from console.kernel.models.person import Person
from console.kernel.models.wrong_passwords import WrongPasswords

__all__ = ["AuditEntry", "Person", "WrongPasswords"]

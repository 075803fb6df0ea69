"""People and the audit chain."""

from console.kernel.models.audit_entry import AuditEntry
from console.kernel.models.person import Person

__all__ = ["AuditEntry", "Person"]

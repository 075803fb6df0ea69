"""People, their roles and passwords, and the audit chain."""

from console.kernel.models.audit_entry import AuditEntry
from console.kernel.models.password_reset import PasswordReset
from console.kernel.models.person import Person
from console.kernel.models.role_grant import RoleGrant
from console.kernel.models.wrong_passwords import WrongPasswords

__all__ = ["AuditEntry", "PasswordReset", "Person", "RoleGrant", "WrongPasswords"]

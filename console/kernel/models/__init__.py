"""People, their roles, passwords and tokens, and the audit chain."""

from console.kernel.models.api_token import ApiToken, UsedNonce
from console.kernel.models.audit_entry import AuditEntry
from console.kernel.models.idempotency_key import IdempotencyKey
from console.kernel.models.password_reset import PasswordReset
from console.kernel.models.person import Person
from console.kernel.models.role_grant import RoleGrant
from console.kernel.models.wrong_passwords import WrongPasswords

__all__ = [
    "ApiToken",
    "AuditEntry",
    "IdempotencyKey",
    "PasswordReset",
    "Person",
    "RoleGrant",
    "UsedNonce",
    "WrongPasswords",
]

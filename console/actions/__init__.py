"""What people do with the console itself."""

from console.actions.passwords import HalfPassword, confirm_reset, reset_password, withdraw_reset
from console.actions.people import create_person, deactivate_person, reactivate_person, set_own_password
from console.actions.roles import confirm_role, propose_role, take_role

__all__ = [
    "HalfPassword",
    "confirm_reset",
    "confirm_role",
    "create_person",
    "deactivate_person",
    "propose_role",
    "reactivate_person",
    "reset_password",
    "set_own_password",
    "take_role",
    "withdraw_reset",
]

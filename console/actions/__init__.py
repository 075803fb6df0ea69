"""What people do with the console itself."""

from console.actions.people import set_own_password

__all__ = ["set_own_password"]

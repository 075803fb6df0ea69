"""The form with which people set their own password; saving goes through the audited action."""

from __future__ import annotations

from django.contrib.admin.forms import AdminPasswordChangeForm

from console.actions import set_own_password
from console.kernel.acts import Actor
from console.kernel.models import Person


class OwnPasswordForm(AdminPasswordChangeForm):
    """Django's form, which asks for the old password first and checks the new one twice."""

    def save(self, commit: bool = True) -> Person:
        """Set the password through the action, and hand the changed person to the view, which keeps the session."""
        self.user = set_own_password(
            actor=Actor(person=self.user, via="console"), password=self.cleaned_data["new_password1"]
        )
        return self.user

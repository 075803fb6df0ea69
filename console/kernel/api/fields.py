"""Fields that take the JSON type they are for and no other: no "42" for 42, no 1 for true."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        """The number. Raises ValidationError."""
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError(_("It is a whole number."))
        return super().to_internal_value(data)


class Switch(serializers.BooleanField):
    """`true` or `false`."""

    def to_internal_value(self, data: Any) -> bool:
        """The value. Raises ValidationError."""
        if not isinstance(data, bool):
            raise serializers.ValidationError(_("It is true or false."))
        return data


class Word(serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> str:
        """The word. Raises ValidationError."""
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(_("It is one of %(words)s.") % {"words": ", ".join(self.choices)})
        return data

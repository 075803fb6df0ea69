"""What forms carry besides what a person enters."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.kernel.posted_once import FIELD, new_form_key

register = template.Library()


@register.simple_tag
def form_key() -> SafeString:
    """The key of a form that is carried out once, however often it is sent."""
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, new_form_key())

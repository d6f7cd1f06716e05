"""Template tag of one-time keys, for forms that are a button."""

from uuid import uuid4

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def one_time_key() -> SafeString:
    """Return the hidden field of a form that takes effect once."""
    return format_html('<input type="hidden" name="attempt" value="{}">', uuid4())

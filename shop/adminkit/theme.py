"""Base classes of the admin: those of django-unfold where it is installed, Django's own otherwise."""

import json
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.utils.html import format_html
from django.utils.translation import gettext_noop

__all__ = ["ActionForm", "ModelAdmin", "StackedInline", "TabularInline"]

#: Texts of the theme and of Django for which they have no German themselves.
_TEXTS = (
    gettext_noop("No results found"),
    gettext_noop("This page yielded into no results. Create a new item or reset your filters."),
    gettext_noop("Reset filters"),
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),
)
#: Characters of a JSON value that a page shows.
_SHOWN = 20_000


def _indented(data: Any, encoder: Any) -> str:
    """Return JSON on lines of its own."""
    return format_html('<pre class="wrapped">{}</pre>', json.dumps(data, indent=2, cls=encoder)[:_SHOWN])


if TYPE_CHECKING or not apps.is_installed("unfold"):
    from django.contrib.admin import ModelAdmin, StackedInline, TabularInline
    from django.contrib.admin.helpers import ActionForm
else:
    import unfold.fields
    from unfold.admin import ModelAdmin, StackedInline, TabularInline
    from unfold.forms import ActionForm

    # It colours JSON by inline styles, which the Content Security Policy forbids.
    unfold.fields.prettify_json = _indented

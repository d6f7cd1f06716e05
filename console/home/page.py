"""Context of the admin's home page."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext

from console.home.attention import attention
from console.home.sales import sales


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the user may see: what needs attention, and the sales."""
    return {
        **context,
        "title": gettext("Home"),
        "attention": attention(request.user),
        "sales": sales() if request.user.has_perm("analytics.view_dailysales") else [],
    }

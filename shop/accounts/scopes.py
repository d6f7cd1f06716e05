"""Scopes of API keys: which contexts a key reads and writes, within the rights of its owner."""

from typing import Any

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS

from shop.accounts.models import ApiKey

#: All scopes: reading and writing, for each context, reading of personal facts in events, and of the feed.
SCOPES: tuple[str, ...] = (
    *(f"{context}:{act}" for context in settings.CONTEXTS for act in ("read", "write")),
    "privacy:read",
    "events:read",
)

#: Scope of the keys of an import, whose addresses may be unknown. No page and no request gives it to a key.
IMPORT = "orders:import"


def has_scope(request: Any, scope: str) -> bool:
    """Tell whether the key of a request was given a scope; a key that may all, and a session, were not."""
    return isinstance(request.auth, ApiKey) and scope in request.auth.scopes


def scope_allows(request: Any, context: str, method: str) -> bool:
    """Tell whether the key of a request allows a method on a context. A session allows all.

    ``context`` may be a permission such as ``payments.retry_refund``: the part before the dot counts. A part
    of the API that is no context, such as the keys themselves, takes a key without scopes.
    """
    key = request.auth
    if not isinstance(key, ApiKey) or not key.scopes:
        return True
    act = "read" if method in SAFE_METHODS else "write"
    return f"{context.partition('.')[0]}:{act}" in key.scopes

"""Security log: who came in, who was refused, and who changed what anyone may do.

An entry names accounts by their primary key, so that the log keeps no name of a customer who is forgotten.
"""

import json
import logging
import re
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.http import HttpRequest
from rest_framework.request import Request

from shop.accounts.addresses import client_address
from shop.accounts.current_request import current_request

logger = logging.getLogger("shop.security")

#: The most characters of one value.
MAX_LENGTH = 200
#: Names of facts that would carry a secret. ``key_id`` and ``key_name`` are none.
_SECRET = re.compile(r"password|passwd|secret|token|authorization|cookie|^(api_?)?key$|^code$|otp", re.I)


def record(
    event: str,
    *,
    user: AbstractBaseUser | AnonymousUser | None = None,
    request: HttpRequest | Request | None = None,
    level: int = logging.INFO,
    **facts: Any,
) -> None:
    """Write an entry, such as ``key_created user=17 by=3 address="192.0.2.1" key_id="a1b2"``.

    Args:
        event: past-tense name of what happened.
        user: the account that it happened to.
        request: the request that caused it; else the one in progress.
        level: WARNING for what an operator may want to look at.
        facts: what else tells one entry from another. Values of secrets are left out.
    """
    request = request or current_request()
    entry = {"user": getattr(user, "pk", None), **_origin(request, user), **facts}
    text = " ".join(f"{name}={_plain(name, value)}" for name, value in entry.items() if value is not None)
    logger.log(level, "%s %s", event, text)


def account_named(name: str) -> User | None:
    """Return the account of a name for an entry about it; an unknown name may be a password."""
    return User.objects.filter(username=name.replace("\0", "")).only("pk").first()


def _origin(
    request: HttpRequest | Request | None, user: AbstractBaseUser | AnonymousUser | None
) -> dict[str, Any]:
    if request is None:
        return {"by": "the system"}
    plain = getattr(request, "_request", request)  # DRF's own would authenticate, perhaps in the middle of it
    actor = getattr(getattr(plain, "user", None), "pk", None)
    return {
        "by": actor if actor != getattr(user, "pk", None) else None,
        "address": client_address(plain),
        "path": plain.path,
    }


def _plain(name: str, value: Any) -> str:
    """Return a value on one line, in ASCII, at a bounded length."""
    if _SECRET.search(name):
        return '"(left out)"'
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, list | tuple | set | frozenset):
        value = ", ".join(map(str, value))
    return json.dumps(str(value)[:MAX_LENGTH])

"""Guard of every door at which a secret is given: growing waits for an account, a limit for an address."""

import logging
import unicodedata
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from shop.accounts import counters, failed_logins, limits
from shop.accounts.addresses import client_address
from shop.accounts.current_request import current_request
from shop.accounts.hashing import without_waiting
from shop.accounts.limits import Limit, Refusal, TooManyRequests
from shop.accounts.queries import login_name
from shop.accounts.security_log import account_named, record

#: Seconds in which the attempts from an address are counted.
WINDOW = 15 * 60

T = TypeVar("T")


class LoginGuard(ModelBackend):
    """Django's backend behind the guard. Every call of ``authenticate()`` comes here first."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user whose password is right.

        Raises:
            Refusal: too many wrong ones came before, or this process has no time for another one.
            PermissionDenied: it is wrong; no other backend is asked.
        """
        name = username if username is not None else kwargs.get(User.USERNAME_FIELD)
        if name is None or password is None:
            return None
        name = login_name(name)
        look = partial(super().authenticate, request, username=name, password=password)
        user = guarded(request, name, look)
        if user is None:
            raise PermissionDenied
        return user


def guarded(request: HttpRequest | None, name: str, look: Callable[[], T | None]) -> T | None:
    """Return what ``look`` finds with the secret that was given for an account; None if it is wrong.

    The attempt is counted as failed before the secret is looked at.

    Args:
        request: the request; else the one in progress.
        name: the account, as the client calls it.
        look: compares the secret, in the same time whether there is such an account or not.

    Raises:
        Refusal: too many wrong ones came before, or this process has no time for another one.
    """
    attempt = _Attempt(request or current_request(), name)
    with nullcontext() if attempt.count() else without_waiting():
        try:
            found = look()
        except Refusal:
            attempt.withdraw()
            raise
    attempt.end(is_right=bool(found))
    return found or None


class _Attempt:
    """Attempt at an account from an address."""

    def __init__(self, request: HttpRequest | None, name: str) -> None:
        self._request, self._name = request, name
        self._address = client_address(request) if request else ""
        self._key = counters.digest("login", unicodedata.normalize("NFKC", name).casefold(), self._address)

    def count(self) -> bool:
        """Count the attempt; return True if it is the only one of its address, and so none of a guesser.

        Raises:
            TooManyRequests: there were too many.
        """
        is_only_one = self._count_for_address()
        reserved = failed_logins.reserve(self._key)
        if reserved is None:
            self._give_back_to_address()
            wait = failed_logins.remaining_wait(self._key)
            self._refuse(Limit("login", failed_logins.FREE_FAILURES, failed_logins.FIRST_WAIT, 0, wait))
        self._next_wait = reserved.wait
        return is_only_one

    def _count_for_address(self) -> bool:
        quota: int = settings.SHOP_LOGINS_AN_ADDRESS
        if not quota or not self._address:
            return True
        limit = limits.use("login", self._address, quota=quota, window=WINDOW)
        if limit.remaining == -1:
            self._record("address_locked_out", limit.seconds_left)
        if limit.remaining < 0:
            self._refuse(limit)
        return limit.remaining == quota - 1

    def end(self, *, is_right: bool) -> None:
        """Forget all failures after a right secret; record a lock-out that begins with a wrong one."""
        if is_right:
            failed_logins.forget(self._key)
            self._give_back_to_address()
        elif self._next_wait:
            self._record("locked_out", self._next_wait)

    def withdraw(self) -> None:
        """Count the attempt no more: nobody has looked at the secret."""
        failed_logins.withdraw(self._key)
        self._give_back_to_address()

    def _give_back_to_address(self) -> None:
        if self._address:
            counters.give_back("login", self._address)

    def _refuse(self, limit: Limit) -> NoReturn:
        if self._request:
            limits.refuse(self._request, limit)
        raise TooManyRequests(limit)

    def _record(self, event: str, wait: float) -> None:
        user = account_named(self._name)
        record(event, user=user, request=self._request, level=logging.WARNING, wait=round(wait))

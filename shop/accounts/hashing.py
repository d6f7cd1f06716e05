"""Password hashing, one at a time in a process, so that guessers leave the CPU to customers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock, RLock

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from shop.accounts.current_request import current_request
from shop.accounts.limits import Busy

#: Seconds that a request waits for its turn.
TURN_TIMEOUT = 5.0
#: No request waits for this many times as long as the last one has waited. A waiting request takes a thread
#: from all others, and there may be two: so it is taken for a tenth of the time at most.
PAUSE_FACTOR = 9

_turn = RLock()
_may_wait: ContextVar[bool] = ContextVar("may_wait", default=True)


class WaitingRoom:
    """Place for one request that waits for its turn."""

    def __init__(self) -> None:
        self._place = Lock()
        self._closed_until = 0.0

    def wait(self) -> bool:
        """Wait for the turn and take it; return False if there is no place, or no turn in time."""
        started = time.monotonic()
        if started < self._closed_until or not self._place.acquire(blocking=False):
            return False
        try:
            return _turn.acquire(timeout=TURN_TIMEOUT)
        finally:
            now = time.monotonic()
            self._closed_until = now + PAUSE_FACTOR * (now - started)
            self._place.release()


_waiting_room = WaitingRoom()


class OneAtATimeHasher(PBKDF2PasswordHasher):
    """Django's default hasher, by one thread at a time. Its hashes are those of Django's."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash of a password; raise :class:`Busy` where others wait already."""
        with turn():
            return super().encode(password, salt, iterations)


@contextmanager
def without_waiting() -> Iterator[None]:
    """Refuse to hash in the block while another thread does."""
    token = _may_wait.set(False)
    try:
        yield
    finally:
        _may_wait.reset(token)


@contextmanager
def turn() -> Iterator[None]:
    """Wait until no other thread of this process hashes. Outside of requests there is always time."""
    if not _turn.acquire(blocking=current_request() is None) and not (
        _may_wait.get() and _waiting_room.wait()
    ):
        raise Busy
    try:
        yield
    finally:
        _turn.release()

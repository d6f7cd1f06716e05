"""Password hashing, one at a time in a process, so that guessers leave the CPU to customers."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock, Semaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from shop.accounts.current_request import current_request
from shop.accounts.limits import Busy

#: Seconds that a request waits for its turn.
TURN_TIMEOUT = 5.0

_turn = RLock()
#: The request that waits for its turn; there is one, since it takes a thread from all other requests.
_queue = Semaphore()
_may_wait: ContextVar[bool] = ContextVar("may_wait", default=True)


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
    if not _turn.acquire(blocking=current_request() is None) and not _acquired_from_queue():
        raise Busy
    try:
        yield
    finally:
        _turn.release()


def _acquired_from_queue() -> bool:
    if not _may_wait.get() or not _queue.acquire(blocking=False):
        return False
    try:
        return _turn.acquire(timeout=TURN_TIMEOUT)
    finally:
        _queue.release()

"""Locks of an entity's sessions: one receiver at a time."""

import time
from collections.abc import Iterable
from typing import Any


class SessionLocks:
    """Session -> its holder, and the end of its lock."""

    def __init__(self, lock_seconds: float) -> None:
        self._lock_seconds = lock_seconds
        self._held: dict[str, tuple[Any, float]] = {}

    def accept(self, candidates: Iterable[str], holder: Any) -> str | None:
        """Lock the first of ``candidates`` that is free, and return it."""
        session = next((name for name in candidates if name not in self._held), None)
        if session is not None:
            self.renew(session, holder)
        return session

    def renew(self, session: str, holder: Any = None) -> float:
        """Extend a lock, and return when it expires. Raises KeyError unless it is held."""
        until = time.time() + self._lock_seconds
        self._held[session] = (holder or self._held[session][0], until)
        return until

    def expires_at(self, session: str) -> float:
        """Return when the lock of a held session expires."""
        return self._held[session][1]

    def is_held_by(self, session: str, holder: Any) -> bool:
        return session in self._held and self._held[session][0] == holder

    def release(self, session: str) -> None:
        """Free a session."""
        self._held.pop(session, None)

    def pop_expired(self, now: float) -> list[str]:
        """Free the sessions whose lock has expired, and return them."""
        expired = [session for session, (_, until) in self._held.items() if until < now]
        for session in expired:
            del self._held[session]
        return expired

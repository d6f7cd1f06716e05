"""Queue or subscription in memory: peek-lock, delivery count and dead-letter queue."""

import heapq
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from proton import Message

from dev.servers.servicebus.sessions import SessionLocks

DEAD_LETTER_REASON, DEAD_LETTER_DESCRIPTION = "DeadLetterReason", "DeadLetterErrorDescription"
MAX_DELIVERIES = "MaxDeliveryCountExceeded"


class LockLost(Exception):
    """The lock has expired, or never existed."""


class SessionMissing(Exception):
    """The entity requires sessions, and the message has no session id."""


@dataclass(frozen=True)
class Options:
    """Properties of a queue or subscription."""

    lock_seconds: float = 60.0
    max_delivery_count: int = 10
    requires_session: bool = False
    #: Subjects of the correlation rules; None for all messages.
    subjects: frozenset[str] | None = None


@dataclass(eq=False)
class Stored:
    """A message in an entity."""

    content: Message
    number: int
    enqueued_at: float = field(default_factory=time.time)
    #: Deliveries that were abandoned, or whose lock expired.
    failed_deliveries: int = 0
    token: UUID = field(default_factory=uuid4)
    locked_until: float = 0.0

    @property
    def session(self) -> str | None:
        return self.content.group_id


class Entity:
    """Messages that are ready or locked, in the order of their sequence numbers."""

    def __init__(self, path: str, options: Options, dead_letters: "Entity | None" = None) -> None:
        self.path, self.options, self.dead_letters = path, options, dead_letters
        self.sessions = SessionLocks(options.lock_seconds)
        #: Session (None without sessions) -> heap of its messages.
        self._ready: defaultdict[str | None, list[tuple[int, Stored]]] = defaultdict(list)
        self._locked: dict[UUID, Stored] = {}
        self._last_number = 0

    def accepts(self, message: Message) -> bool:
        """Return whether one of the subscription's rules matches."""
        return self.options.subjects is None or message.subject in self.options.subjects

    def put(self, message: Message) -> None:
        """Store a message. Raises SessionMissing."""
        if self.options.requires_session and not message.group_id:
            raise SessionMissing
        self._last_number += 1
        self._make_ready(Stored(message, self._last_number))

    def lock_next(self, session: str | None = None) -> Stored | None:
        """Lock the first ready message, of ``session`` if the entity requires sessions."""
        heap = self._ready[session]
        if not heap:
            return None
        _, stored = heapq.heappop(heap)
        if not heap:
            del self._ready[session]
        stored.token, stored.locked_until = uuid4(), time.time() + self.options.lock_seconds
        self._locked[stored.token] = stored
        return stored

    def complete(self, token: UUID) -> None:
        """Remove a locked message. Raises LockLost."""
        self._unlock(token)

    def abandon(self, token: UUID, *, is_failure: bool = True) -> None:
        """Give back a locked message, and count the delivery if it failed. Raises LockLost."""
        self._give_back(self._unlock(token), is_failure)

    def dead_letter(self, token: UUID, reason: str, description: str = "") -> None:
        """Move a locked message to the dead-letter queue. Raises LockLost."""
        self.move_to_dead_letters(self._unlock(token).content, reason, description)

    def renew(self, tokens: Iterable[UUID]) -> list[float]:
        """Extend locks, and return when they expire. Raises LockLost."""
        renewed = [self._find(token) for token in tokens]
        for stored in renewed:
            stored.locked_until = time.time() + self.options.lock_seconds
        return [stored.locked_until for stored in renewed]

    def free_expired(self, now: float) -> None:
        """Give back messages and sessions whose lock has expired."""
        for session in self.sessions.pop_expired(now):
            self.free_session(session)
        for stored in list(self._locked.values()):
            if not self.options.requires_session and stored.locked_until < now:
                self.abandon(stored.token)

    def free_session(self, session: str) -> None:
        """Give back the unsettled messages of a session that nobody holds any more."""
        for stored in [s for s in self._locked.values() if s.session == session]:
            self.abandon(stored.token)

    def ready_sessions(self) -> Iterator[str]:
        """Yield the sessions that have messages."""
        return (session for session in self._ready if session is not None)

    def peek(self, first_number: int, count: int) -> list[Stored]:
        """Return messages from a sequence number on, without locking them."""
        ready = (stored for heap in self._ready.values() for _, stored in heap)
        found = sorted((*ready, *self._locked.values()), key=lambda stored: stored.number)
        return [stored for stored in found if stored.number >= first_number][:count]

    def move_to_dead_letters(self, message: Message, reason: str, description: str = "") -> None:
        """Store a message in the dead-letter queue, with the reason in its properties."""
        properties: Any = {DEAD_LETTER_REASON: reason, DEAD_LETTER_DESCRIPTION: description}
        message.properties = (message.properties or {}) | properties
        (self.dead_letters or self).put(message)

    def _give_back(self, stored: Stored, is_failure: bool) -> None:
        stored.failed_deliveries += is_failure
        if self.dead_letters and stored.failed_deliveries >= self.options.max_delivery_count:
            self.move_to_dead_letters(stored.content, MAX_DELIVERIES)
        else:
            self._make_ready(stored)

    def _make_ready(self, stored: Stored) -> None:
        session = stored.session if self.options.requires_session else None
        heapq.heappush(self._ready[session], (stored.number, stored))

    def _find(self, token: UUID) -> Stored:
        stored = self._locked.get(token)
        if stored is None or (not self.options.requires_session and stored.locked_until < time.time()):
            raise LockLost
        return stored

    def _unlock(self, token: UUID) -> Stored:
        """Remove and return a locked message."""
        if token not in self._locked:
            raise LockLost
        return self._locked.pop(token)

"""Delivery of an entity's messages to its receivers, in turn, and settlement."""

import time
from collections import deque
from typing import Any
from uuid import UUID

from proton import Condition, Delivery, Described, Link, Message, Terminus, symbol, timestamp

from dev.servers.servicebus.entities import (
    DEAD_LETTER_DESCRIPTION,
    DEAD_LETTER_REASON,
    Entity,
    LockLost,
    Stored,
)

SESSION_FILTER = "com.microsoft:session-filter"
LOCK_LOST = "com.microsoft:message-lock-lost"
_TIMEOUT = "com.microsoft:timeout"
_PRE_SETTLED = 1
#: .NET counts tenths of microseconds since the year 1.
_TICKS_AT_EPOCH = 621355968000000000


class Outlet:
    """Receiving links of one entity."""

    def __init__(self, entity: Entity) -> None:
        self._entity = entity
        self._links: deque[Any] = deque()
        #: Links that wait for a session, and when they give up.
        self._waiting: list[tuple[Any, float]] = []

    def attach(self, link: Any) -> None:
        """Add a receiver; it waits for a session if the entity requires them."""
        link.session_id = None
        if self._entity.options.requires_session:
            self._waiting.append((link, time.time() + _wait_seconds(link)))
        else:
            accept(link)
            self._links.append(link)

    def detach(self, link: Any) -> None:
        """Remove a receiver. Messages stay locked, unless it held a session."""
        self._waiting = [(other, until) for other, until in self._waiting if other != link]
        if link in self._links:
            self._links.remove(link)
        session = getattr(link, "session_id", None)
        if session and self._entity.sessions.is_held_by(session, link):
            self._entity.sessions.release(session)
            self._entity.free_session(session)
            self.pump()

    def tick(self, now: float) -> None:
        """Free expired locks, and refuse receivers that have waited long enough for a session."""
        self._entity.free_expired(now)
        self.pump()
        for link in [link for link, until in self._waiting if until < now]:
            self._waiting = [(other, until) for other, until in self._waiting if other != link]
            refuse(link, _TIMEOUT, "no session is free")

    def pump(self) -> None:
        """Deliver ready messages, one to each receiver in turn, as far as their credit goes."""
        self._give_sessions()
        idle = 0
        while idle < len(self._links):
            link = self._links[0]
            self._links.rotate(-1)
            stored = self._entity.lock_next(link.session_id) if link.credit > 0 else None
            idle = 0 if stored else idle + 1
            if stored:
                self._deliver(link, stored)
            elif link.credit > 0 and link.drain_mode:
                link.drained()

    def settle(self, delivery: Any) -> None:
        """Apply the outcome that a receiver has sent, and confirm it."""
        token, delivery.token = getattr(delivery, "token", None), None
        if token:
            state = delivery.remote_state
            try:
                self._apply(token, delivery)
            except LockLost:
                delivery.local.condition = error(LOCK_LOST, "the lock has expired")
                state = Delivery.REJECTED
            delivery.update(state)
        delivery.settle()
        self.pump()

    def _apply(self, token: UUID, delivery: Any) -> None:
        outcome = delivery.remote_state
        if outcome == Delivery.ACCEPTED:
            self._entity.complete(token)
        elif outcome == Delivery.REJECTED:
            condition = delivery.remote.condition
            info = dict((condition and condition.info) or {})
            reason, description = info.get(DEAD_LETTER_REASON), info.get(DEAD_LETTER_DESCRIPTION)
            self._entity.dead_letter(token, str(reason or ""), str(description or ""))
        else:  # released: the client had no use for it
            self._entity.abandon(token, is_failure=outcome == Delivery.MODIFIED)

    def _give_sessions(self) -> None:
        for link, until in list(self._waiting):
            session = self._session_for(link)
            if session:
                self._waiting.remove((link, until))
                self._open_session(link, session)

    def _session_for(self, link: Link) -> str | None:
        wanted = _wanted_session(link)
        candidates = [wanted] if wanted else self._entity.ready_sessions()
        return self._entity.sessions.accept(candidates, link)

    def _open_session(self, link: Any, session: str) -> None:
        link.session_id = session
        ticks = int(self._entity.sessions.expires_at(session) * 10**7) + _TICKS_AT_EPOCH
        link.properties = {symbol("com.microsoft:locked-until-utc"): ticks}
        accept(link, {symbol(SESSION_FILTER): session})
        self._links.append(link)

    def _deliver(self, link: Any, stored: Stored) -> None:
        delivery: Any = link.delivery(stored.token.bytes_le)  # clients want 16 bytes
        link.send(encoded(stored))
        link.advance()
        if link.remote_snd_settle_mode == _PRE_SETTLED:
            delivery.settle()
            self._entity.complete(stored.token)
        else:
            delivery.token = stored.token


def encoded(stored: Stored) -> bytes:
    """Return a stored message as it is delivered."""
    message: Message = stored.content
    message.delivery_count = stored.failed_deliveries
    message.annotations = {
        symbol("x-opt-sequence-number"): stored.number,
        symbol("x-opt-enqueued-time"): timestamp(int(stored.enqueued_at * 1000)),
        symbol("x-opt-locked-until"): timestamp(int(stored.locked_until * 1000)),
    }
    return message.encode()


def error(condition: str, why: str) -> Condition:
    """Return an error for a client. Microsoft's SDKs fail without the third part, the details."""
    return Condition(condition, why, {symbol("tracking-id"): "stand-in"})


def accept(link: Link, filters: dict[Any, Any] | None = None) -> None:
    """Open a link with the addresses and settlement modes that the client wants."""
    link.source.copy(link.remote_source)
    link.target.copy(link.remote_target)
    link.snd_settle_mode, link.rcv_settle_mode = link.remote_snd_settle_mode, link.remote_rcv_settle_mode
    if filters:
        link.source.filter.clear()
        link.source.filter.put_dict(filters)
    link.open()


def refuse(link: Link, condition: str, why: str) -> None:
    """Close a link that has not been opened, with an error. Without source and target it is refused."""
    link.source.type = link.target.type = Terminus.UNSPECIFIED
    link.open()
    link.condition = error(condition, why)
    link.close()


def _wanted_session(link: Link) -> str | None:
    """Return the session that a receiver names; None for the next one that is free."""
    data = link.remote_source.filter
    data.rewind()
    if not data.next():
        return None
    filters: Any = data.get_object()
    value: Any = next((value for key, value in (filters or {}).items() if str(key) == SESSION_FILTER), None)
    return str(value.value if isinstance(value, Described) else value) if value is not None else None


def _wait_seconds(link: Link) -> float:
    """Return how long a receiver wants to wait for a session."""
    properties: Any = link.remote_properties or {}
    return float(properties.get(symbol(_TIMEOUT), 60_000)) / 1000

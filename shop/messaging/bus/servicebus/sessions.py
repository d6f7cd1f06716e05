"""Listener of sessions: it takes one after the other, and each in its order."""

from __future__ import annotations

import time
from collections.abc import Iterator

from azure.servicebus import ServiceBusReceivedMessage, ServiceBusReceiver
from azure.servicebus.exceptions import OperationTimeoutError

from shop.messaging.bus.servicebus.listener import Listener

#: Sessions that a worker holds at once, for each app.
SESSIONS_AT_ONCE = 4
#: Seconds to wait for a session that is free and has messages.
ACCEPT_TIMEOUT = 5.0
#: Seconds for which a session is held while it has messages: others get their turn.
LONGEST_TURN = 5.0
#: Seconds without a message after which a session is left.
IDLE_TIMEOUT = 1.0
#: Seconds in which messages that come together are collected.
COLLECTING_TIME = 0.1


class SessionListener(Listener):
    """Receiver of an app's sessions."""

    def _serve(self, receiver: ServiceBusReceiver) -> None:
        self._in_hand.clear()  # what an earlier session has lost comes again
        self._outcomes.clear()
        self._turn_began = self._last_message = time.monotonic()
        self._schedule_renewal(receiver)
        super()._serve(receiver)

    def _report(self, error: Exception) -> None:
        if not isinstance(error, OperationTimeoutError):  # no session is free
            super()._report(error)

    def _is_done(self) -> bool:
        return self._is_turn_over() and not self._in_hand

    def _may_take(self) -> bool:
        return super()._may_take() and not self._is_turn_over()

    def _is_turn_over(self) -> bool:
        now = time.monotonic()
        return now > self._turn_began + LONGEST_TURN or now > self._last_message + IDLE_TIMEOUT

    def _incoming(self, receiver: ServiceBusReceiver) -> Iterator[ServiceBusReceivedMessage]:
        """Yield the messages that come within a moment."""
        room = self._credit - len(self._in_hand)
        received = receiver.receive_messages(max_message_count=room, max_wait_time=COLLECTING_TIME)
        if received:
            self._last_message = time.monotonic()
        yield from received

    def _renew_locks(self, receiver: ServiceBusReceiver) -> None:
        """Renew the lock of the session: its messages have none of their own."""
        if time.monotonic() > self._renew_at:
            receiver.session.renew_lock()
            self._schedule_renewal(receiver)

    def _schedule_renewal(self, receiver: ServiceBusReceiver) -> None:
        until = receiver.session.locked_until_utc
        seconds = (until.timestamp() - time.time()) / 2 if until else 0.0
        self._renew_at = time.monotonic() + seconds

"""Listener: receives from one subscription or queue in a thread, which settles and renews locks as well.

Receivers of Microsoft's SDK are not thread-safe, so one thread does all.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from azure.servicebus import ServiceBusClient, ServiceBusReceivedMessage, ServiceBusReceiver
from azure.servicebus.exceptions import (
    MessageAlreadySettled,
    MessageLockLostError,
    MessagingEntityNotFoundError,
)

from shop.messaging.bus.port import Receive
from shop.messaging.bus.servicebus import namespace
from shop.messaging.bus.servicebus.message import IncomingMessage, Outcome
from shop.messaging.bus.servicebus.namespace import TIMEOUT, logger
from shop.messaging.errors import describe

#: Seconds to wait for a message before outcomes are looked for.
RECEIVE_TIMEOUT = 0.05
#: Attempts to settle a message. Service Bus delivers it again otherwise.
MAX_ATTEMPTS = 2
#: Seconds between looks at the outcomes while no further message is taken.
PAUSED_INTERVAL = 0.5
#: Seconds before a listener that failed connects again.
RECONNECT_DELAY = 1.0

#: Opens a receiver with a number of messages on their way to it.
OpenReceiver = Callable[[ServiceBusClient, int], ServiceBusReceiver]
#: Errors after which a message comes again.
LOST = (MessageLockLostError, MessageAlreadySettled)


class Listener:
    """Receiver of an app, with up to ``limit`` messages in hand."""

    def __init__(self, app: str, open_receiver: OpenReceiver, limit: int) -> None:
        self.app, self._open = app, open_receiver
        #: Half of the messages in hand are on their way: the SDK asks for more when it has none.
        self._credit = max(limit // 2, 1)
        self._in_hand: set[IncomingMessage] = set()
        self._outcomes: deque[tuple[Outcome, IncomingMessage]] = deque()
        self._changed = threading.Event()
        self._stopping, self._closing = threading.Event(), threading.Event()
        #: Held while a message is handed over.
        self._handing_over = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, receive: Receive) -> None:
        """Receive in a thread, which also waits for the namespace."""
        self._receive = receive
        self._thread = threading.Thread(target=self._run, name=f"servicebus-{self.app}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hand over nothing more. Messages in hand stay locked, and are settled."""
        with self._handing_over:
            self._stopping.set()

    def begin_to_close(self) -> None:
        """Have the thread settle what has an outcome, give back the rest, and end."""
        self._closing.set()
        self._changed.set()

    def close(self) -> None:
        """Wait for the end of the thread."""
        self.begin_to_close()
        if self._thread:
            self._thread.join(TIMEOUT)

    def settle_later(self, message: IncomingMessage, outcome: Outcome) -> None:
        """Note the outcome of a message. Any thread may call it."""
        self._outcomes.append((outcome, message))
        self._changed.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                with namespace.connect() as client, self._open(client, self._credit) as receiver:
                    self._serve(receiver)
            except Exception as error:  # noqa: BLE001 - the listener survives every error
                self._report(error)
                self._closing.wait(RECONNECT_DELAY)

    def _report(self, error: Exception) -> None:
        hint = (
            ": run manage.py servicebus_topology" if isinstance(error, MessagingEntityNotFoundError) else ""
        )
        logger.warning("%s pauses receiving from Service Bus: %s%s", self.app, describe(error), hint)

    def _serve(self, receiver: ServiceBusReceiver) -> None:
        while not self._closing.is_set() and not self._is_done():
            self._changed.clear()
            self._settle(receiver)
            self._renew_locks(receiver)
            if self._may_take():
                for received in self._incoming(receiver):
                    self._hand_over(received)
                    self._settle(receiver)
            else:
                self._changed.wait(PAUSED_INTERVAL)
        self._settle(receiver)
        self._give_back_all(receiver)

    def _is_done(self) -> bool:
        """Return whether the receiver is to be closed."""
        return False

    def _may_take(self) -> bool:
        """Return whether a further message is wanted."""
        return not self._stopping.is_set() and len(self._in_hand) < self._credit

    def _incoming(self, receiver: ServiceBusReceiver) -> Iterator[ServiceBusReceivedMessage]:
        """Yield messages until none has come for a moment, or enough are in hand."""
        while self._may_take() and (received := next(receiver, None)) is not None:
            yield received

    def _hand_over(self, received: ServiceBusReceivedMessage) -> None:
        message = IncomingMessage(received, self.settle_later)
        self._in_hand.add(message)
        with self._handing_over:
            if self._stopping.is_set():
                self.settle_later(message, ServiceBusReceiver.abandon_message)
            else:
                self._receive(self.app, message, message.error)

    def _settle(self, receiver: ServiceBusReceiver) -> None:
        """Settle what has an outcome. After another error it is tried once more, over a new connection."""
        while self._outcomes:
            outcome, message = self._outcomes[0]
            try:
                outcome(receiver, message.received)
            except LOST as error:
                logger.info("a message of %s comes again: %s", self.app, describe(error))
            except Exception:
                message.attempts += 1
                if message.attempts < MAX_ATTEMPTS:
                    raise
            self._outcomes.popleft()
            self._in_hand.discard(message)

    def _renew_locks(self, receiver: ServiceBusReceiver) -> None:
        now = time.monotonic()
        for message in [message for message in self._in_hand if message.renew_at < now]:
            try:
                receiver.renew_message_lock(message.received)
                message.schedule_renewal()
            except LOST as error:
                message.renew_at = float("inf")
                logger.info("a message of %s comes again: %s", self.app, describe(error))

    def _give_back_all(self, receiver: ServiceBusReceiver) -> None:
        for message in list(self._in_hand):
            self.settle_later(message, ServiceBusReceiver.abandon_message)
        self._settle(receiver)

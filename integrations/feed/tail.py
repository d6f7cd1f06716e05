"""Tail of the log: one thread reads new events, once for all readers, and hands them to the event loop."""

import asyncio
import logging
import os
import select
import threading
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from django.db import connection

from integrations import catalogue
from integrations.feed.grants import Topic, topics_of
from integrations.models import ALL_EVENTS
from shop.messaging.event_log import LoggedCopies, published_between
from shop.messaging.log_horizon import APPENDED, LogHorizon
from shop.messaging.owners import owners_of
from shop.messaging.restores import opening
from shop.postgres.engine.hidden_values import hide_values

logger = logging.getLogger(__name__)

#: Longest wait for a notification, in seconds, in case one is lost.
POLL_INTERVAL = 1.0
#: Seconds between two looks at the log: so a busy log is read in batches.
LOOK_INTERVAL = 0.02
#: Seconds to wait after an error.
PAUSE = 0.5
#: Events of one read, and events that are kept for readers that are a little behind.
BATCH, KEPT = 1000, 2000


class Recent(NamedTuple):
    """An event that has come lately, and for whom it is."""

    event: LoggedCopies
    topics: tuple[Topic, ...]


class Sleeper(Protocol):
    """A reader, as the tail knows it."""

    def wake(self, before: int) -> None:
        """Have it read. Nothing up to ``before`` concerns it, if it was asleep."""


class Tail:
    """Follows the log while there are readers. All but the thread belongs to the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
        self._stopping = False
        self._poke_out, self._poke_in = os.pipe2(os.O_NONBLOCK)
        self._readers: defaultdict[Topic, set[Sleeper]] = defaultdict(set)
        self._number = 0
        self._recent: deque[Recent] = deque()
        self._began = asyncio.Event()
        #: The log is followed up to here.
        self.position = 0
        #: Later events are in ``recent()``.
        self.kept_after = 0
        self.is_listening = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread, and wait for its end."""
        self._stopping = True
        self._poke()
        self._thread.join(5)

    async def add(self, topic: Topic, reader: Sleeper) -> None:
        """Have a reader woken for a topic, from the position on that the tail has at the end of this call."""
        self._readers[topic].add(reader)
        self._number += 1
        if self._number == 1:
            self._began.clear()
            self._poke()
        await self._began.wait()

    def remove(self, topic: Topic, reader: Sleeper) -> None:
        """Forget a reader."""
        self._readers[topic].discard(reader)
        if not self._readers[topic]:
            del self._readers[topic]
        self._number -= 1

    def recent(self, after: int) -> list[Recent]:
        """Return the events after a position, which must not be before ``kept_after``."""
        found = []
        for one in reversed(self._recent):
            if one.event.position <= after:
                break
            found.append(one)
        return found[::-1]

    # --- In the event loop, called by the thread ---

    def _begin(self, position: int) -> None:
        """Go on from a position after an interruption: readers look at the log itself for what is before."""
        before = self.position
        self.position = self.kept_after = position
        self._recent.clear()
        self._began.set()
        for reader in {reader for readers in self._readers.values() for reader in readers}:
            reader.wake(before)

    def _publish(self, events: Sequence[Recent], position: int) -> None:
        before, self.position = self.position, position
        self._recent.extend(events)
        while len(self._recent) > KEPT:
            self.kept_after = self._recent.popleft().event.position
        topics = {topic for one in events for topic in one.topics}
        for reader in {reader for topic in topics for reader in self._readers.get(topic, ())}:
            reader.wake(before)

    # --- The thread ---

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001 - the tail survives every error
                hide_values(error)
                logger.warning("the feed pauses: %s: %s", type(error).__name__, error)
                self.is_listening = False
                connection.close()
                self._sleep(PAUSE)
        connection.close()

    def _follow(self) -> None:
        with connection.cursor() as cursor:
            opening.check_open(cursor)
            cursor.execute(f"LISTEN {APPENDED}")
        horizon = LogHorizon()
        types = catalogue.logged_types([ALL_EVENTS])
        read: int | None = None
        self.is_listening = True
        while not self._stopping:
            if not self._number:
                read = None  # nobody reads: begin anew with the next reader
                self._wait(POLL_INTERVAL)
                continue
            position = horizon.look()
            is_full = False
            if read is None or not self._began.is_set():
                if position or not horizon.is_behind:
                    read = position
                    self._call(self._begin, position)
            elif position > read:
                events = published_between(read, position, types=types, limit=BATCH)
                is_full = len(events) == BATCH
                read = events[-1].position if is_full else position
                self._call(self._publish, _with_topics(events), read)
            self._sleep(LOOK_INTERVAL)
            if not is_full and not horizon.is_behind:
                self._wait(POLL_INTERVAL)

    def _call(self, function: Any, *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def _wait(self, seconds: float) -> None:
        """Wait for a notification or a new reader."""
        session: Any = connection.connection
        if not list(session.notifies(timeout=0)):
            select.select([session.fileno(), self._poke_out], [], [], seconds)
            list(session.notifies(timeout=0))
        self._forget_pokes()

    def _sleep(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def _poke(self) -> None:
        os.write(self._poke_in, b".")

    def _forget_pokes(self) -> None:
        try:
            os.read(self._poke_out, 4096)
        except BlockingIOError:
            return


def _with_topics(events: Sequence[LoggedCopies]) -> list[Recent]:
    owners = owners_of({event.aggregate_id for event in events}) if events else {}
    return [Recent(event, topics_of(event, owners.get(event.aggregate_id))) for event in events]

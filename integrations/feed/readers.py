"""Readers of the feed that wait for events."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from integrations.feed.answers import read_page
from integrations.feed.grants import Grant
from integrations.feed.pages import Item, Page
from integrations.feed.tail import Tail

#: Runs a function that asks the database, in a thread.
Run = Callable[[Callable[[], Page]], Awaitable[Page]]


class Reader:
    """A place in the log that moves on: by the tail's recent events, or by pages if it is far behind."""

    def __init__(self, grant: Grant, after: int, tail: Tail, run: Run) -> None:
        self._grant, self._tail, self._run = grant, tail, run
        self._woken = asyncio.Event()
        self._is_asleep = False
        #: Position up to which everything was returned.
        self.after = after

    def wake(self, before: int) -> None:
        """Have it read. Nothing up to ``before`` concerns it, if it was asleep."""
        if self._is_asleep and not self._woken.is_set():
            self.after = max(self.after, before)
        self._woken.set()

    async def next(self, seconds: float) -> list[Item]:
        """Return the next events; none if there are none within some seconds."""
        while True:
            self._woken.clear()
            while self.after < (until := self._tail.position):
                if items := await self._read(until):
                    return items
            if not await self._sleep(seconds):
                self.after = max(self.after, self._tail.position)  # all of it was for others
                return []

    async def _sleep(self, seconds: float) -> bool:
        self._is_asleep = True
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return False
        finally:
            self._is_asleep = False
        return True

    async def _read(self, until: int) -> list[Item]:
        if self.after >= self._tail.kept_after:
            page = self._recent(until)
        else:
            page = await self._run(partial(read_page, self._grant, after=self.after, until=until))
        self.after = page.after
        return page.items

    def _recent(self, until: int) -> Page:
        items, topic = [], self._grant.topic
        for event, topics in self._tail.recent(self.after):
            if topic in topics and (text := self._grant.text_of(event)):
                items.append(Item(event.position, text))
                if len(items) == self._grant.limit:
                    return Page(items, event.position)
        return Page(items, until)

"""Grants: what a reader of the feed asks for and may see, and what an event looks like to him."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from integrations import catalogue
from integrations.models import ALL_EVENTS
from shop.messaging.event_log import LoggedCopies

#: Name of the WSGI environment's list that takes the grant of a request to the feed's process.
SLOT = "shop.feed"
#: Parts of an event that a customer sees of his own orders, as in their timeline.
_FOR_CUSTOMERS = ("specversion", "id", "source", "type", "subject", "time")
#: Who an event is for: everybody who may see all, a customer, or the readers of one aggregate.
Topic = tuple[str, Any]
EVERYTHING: Topic = ("all", None)


@dataclass(frozen=True, slots=True)
class Grant:
    """Reading of the feed as it was asked for and allowed."""

    account: int
    #: Position after which to read.
    after: int
    #: Chosen types and versions, or ALL_EVENTS.
    types: tuple[str, ...]
    #: Events of a page.
    limit: int
    #: Seconds to wait for the first event of a page.
    wait: float
    is_stream: bool
    #: The customer whose orders these are; None for a reader who may see all.
    customer: int | None
    #: The only aggregate.
    aggregate: UUID | None
    #: Address of the feed, without the query.
    url: str

    @property
    def topic(self) -> Topic:
        """Condition under which an event is of interest."""
        if self.aggregate:
            return ("aggregate", self.aggregate)
        return EVERYTHING if self.customer is None else ("customer", self.customer)

    @property
    def logged_types(self) -> list[str]:
        """Return the types as the log has them."""
        return list(_logged_types(self.types))

    def text_of(self, event: LoggedCopies) -> str | None:
        """Return the event as the reader gets it; None if it is of another type."""
        for index, (type_, message) in enumerate(event.messages.items()):
            if type_ in self.types or (index == 0 and ALL_EVENTS in self.types):
                return message if self.customer is None else _brief(message)
        return None

    def next_url(self, after: int) -> str:
        """Return the address of the page after a position."""
        query: dict[str, Any] = {"after": after, "limit": self.limit}
        query |= {"types": ",".join(self.types)} if ALL_EVENTS not in self.types else {}
        query |= {"wait": f"{self.wait:g}"} if self.wait else {}
        return f"{self.url}?{urlencode(query, safe=',')}"


def topics_of(event: LoggedCopies, owner: int | None) -> tuple[Topic, ...]:
    """Return for whom an event is."""
    return EVERYTHING, ("aggregate", event.aggregate_id), ("customer", owner)


@lru_cache(maxsize=256)
def _logged_types(types: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(catalogue.logged_types(types))


@lru_cache(maxsize=1024)
def _brief(message: str) -> str:
    """Return an event without its data, which is for programs of the shop's partners."""
    whole = json.loads(message)
    return json.dumps({name: whole[name] for name in _FOR_CUSTOMERS})

"""Pages of the feed, read from the log."""

import time
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import orjson

from integrations.feed.grants import Grant
from shop.messaging.event_log import published_between
from shop.messaging.log_horizon import LogHorizon
from shop.messaging.owners import owned_by

#: Longest wait for transactions that are about to commit, in seconds, and between two looks at them.
_PATIENCE, _INTERVAL = 0.5, 0.01


class Item(NamedTuple):
    """An event as a reader gets it."""

    position: int
    text: str


class Page(NamedTuple):
    """Events, and the position that has been read up to."""

    items: list[Item]
    after: int
    #: There may be more at once.
    is_full: bool = False


def horizon() -> int:
    """Return the position up to which the log is complete, or 0 if a transaction holds that open for long."""
    found = LogHorizon()
    until = time.monotonic() + _PATIENCE
    while not found.look() and found.is_behind and time.monotonic() < until:
        time.sleep(_INTERVAL)
    return found.position


def read(grant: Grant, *, after: int, until: int) -> Page:
    """Return the first events of a reader after a position, no more than up to ``until``."""
    if after >= until:
        return Page([], after)
    events = published_between(
        after, until, types=grant.logged_types, aggregate_ids=_aggregates(grant), limit=grant.limit
    )
    items = [Item(event.position, text) for event in events if (text := grant.text_of(event))]
    is_full = len(events) == grant.limit
    return Page(items, events[-1].position if is_full else until, is_full)


def _aggregates(grant: Grant) -> list[UUID] | None:
    if grant.aggregate:
        return [grant.aggregate]
    return None if grant.customer is None else owned_by(grant.customer)


def encode(grant: Grant, page: Page) -> bytes:
    """Return the JSON document of a page."""
    return orjson.dumps(
        {
            "results": [
                {"position": item.position, "event": orjson.Fragment(item.text)} for item in page.items
            ],
            "after": page.after,
            "has_more": page.is_full,
            "next": grant.next_url(page.after),
        }
    )


def encode_stream(items: Iterable[Item]) -> str:
    """Return events as an event stream."""
    return "".join(f"id: {position}\ndata: {text}\n\n" for position, text in items)

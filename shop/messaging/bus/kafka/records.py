"""Records: how an event is written to Kafka, and read as a message of the event bus."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.contracts.cloudevents import CONTENT_TYPE
from shop.postgres import json_text

#: Partition: its topic and number.
Partition = tuple[str, int]

#: Header with the number of earlier deliveries, as RabbitMQ writes it.
DELIVERY_COUNT = "x-delivery-count"

_SUBJECT = re.compile(r'"subject": ?"([^"]{1,200})"')
#: Type in an event as the shop writes it: its fourth attribute.
_TYPE = re.compile(r'{"specversion": "1\.0", "id": "[^"]*", "source": "[^"]*", "type": "([^"]*)"')


def key_of(message: Outgoing) -> str:
    """Return the record's key: the aggregate, or the message's id if it names none."""
    found = _SUBJECT.search(message.body)
    return found[1] if found else str(message.message_id)


def value_of(message: Outgoing) -> str:
    """Return the record's value: a CloudEvent in the topic of all events, in an app's topic an envelope.

    The envelope carries the headers, which brokers before 0.11 do not have.
    """
    if not message.queue:
        return message.signed_body
    return json_text.dumps({"headers": message.headers, "body": message.signed_body})


@dataclass(eq=False)
class Record:
    """Record of an app's group, as a message of the event bus."""

    app: str
    partition: Partition
    offset: int
    #: As it was read.
    value: bytes
    body: str | bytes
    headers: dict[str, Any]
    content_type: str = CONTENT_TYPE
    #: The member may have died over it, and is not to try it again.
    is_given_up: bool = False
    delivery_info: dict[str, Any] = field(default_factory=dict)

    @property
    def earlier_deliveries(self) -> int:
        """Number of earlier deliveries, as far as they are counted."""
        return int(self.headers.get(DELIVERY_COUNT, 0))

    @earlier_deliveries.setter
    def earlier_deliveries(self, count: int) -> None:
        self.headers = {**self.headers, DELIVERY_COUNT: count}


def type_of(value: bytes) -> str | None:
    """Return the event's type, or None if the value is no CloudEvent."""
    text = value.decode(errors="replace")
    if found := _TYPE.match(text):
        return found[1]
    try:  # of another producer, or edited by an operator
        event = json_text.loads(text)
    except (ValueError, RecursionError):
        return None
    kind = event.get("type") if isinstance(event, dict) else None
    return kind if isinstance(kind, str) else None


def opened(value: bytes) -> tuple[str | bytes, dict[str, Any]]:
    """Return body and headers of a record in an app's topic. Others than the shop may write no envelope."""
    try:
        envelope = json_text.loads(value.decode())
    except (ValueError, RecursionError):
        return value, {}
    if isinstance(envelope, dict) and envelope.keys() == {"headers", "body"}:
        body, headers = envelope["body"], envelope["headers"]
        if isinstance(body, str) and isinstance(headers, dict):
            return body, headers
    return value, {}

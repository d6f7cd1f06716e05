"""Envelope of a delivered event, and its delivery headers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from shop.messaging.contracts import Event

#: Headers with the number of failed attempts and of deferrals.
ATTEMPTS, DEFERRALS = "x-attempts", "x-parkings"
#: Header of a probe of a paused consumer.
PROBE = "x-probe"
#: Mark of an event without a signature, set by the worker that received it: the log has to prove it. It is
#: never read from a message.
UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Envelope:
    """A delivered CloudEvent with its delivery headers."""

    body: Any
    headers: dict[str, int]
    #: The event, upcast to the version of its consumer.
    event: Event

    @property
    def text(self) -> str:
        """The CloudEvent as JSON."""
        return json.dumps(self.body)

    @property
    def type(self) -> str:
        """Type of the CloudEvent as delivered, possibly an older version than the event's."""
        return str(self.body["type"])

    @property
    def attempts(self) -> int:
        """Number of failed attempts."""
        return self.headers.get(ATTEMPTS, 0)

    @property
    def deferrals(self) -> int:
        """Number of deferrals."""
        return self.headers.get(DEFERRALS, 0)

    @property
    def is_probe(self) -> bool:
        """True for the probe of a paused consumer."""
        return PROBE in self.headers

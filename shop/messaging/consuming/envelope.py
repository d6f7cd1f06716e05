"""Envelope of a delivered event: the CloudEvent and its delivery headers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from shop.messaging.contracts import Event

#: Headers of a message that was delivered before: failed attempts, and deferrals.
ATTEMPTS, DEFERRALS = "x-attempts", "x-parkings"
#: Header of the message that a paused consumer is probed with.
PROBE = "x-probe"


@dataclass(frozen=True)
class Envelope:
    """A delivered CloudEvent with what the earlier deliveries left in its headers."""

    body: Any
    headers: dict[str, int]
    event: Event

    @property
    def text(self) -> str:
        """The CloudEvent as JSON."""
        return json.dumps(self.body)

    @property
    def type(self) -> str:
        """The type it was sent as; its consumer may have been handed a newer version."""
        return str(self.body["type"])

    @property
    def attempts(self) -> int:
        """Failed attempts so far."""
        return self.headers.get(ATTEMPTS, 0)

    @property
    def deferrals(self) -> int:
        """Deferrals so far."""
        return self.headers.get(DEFERRALS, 0)

    @property
    def is_probe(self) -> bool:
        """Whether it is to show that a paused consumer works again."""
        return PROBE in self.headers

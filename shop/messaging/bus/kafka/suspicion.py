"""Count of the members that died over a record, kept in the metadata of the group's position.

Kafka counts no deliveries. So whoever hands over the first record of a partition commits the position again,
with the number of starts at it. A member that ends in an orderly way takes its own start back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shop.messaging.bus.topology import DELIVERY_LIMIT

#: Start at one position from which a partition's records are handed over one by one.
SUSPECT_STARTS = 3
#: Start at one position at which its record is given up, as RabbitMQ does.
LAST_START = DELIVERY_LIMIT
#: Records after a suspicious position that are handed over one by one: what a member has in hand at the most,
#: and those of other apps in between.
WINDOW = 2000

_METADATA = re.compile(r"starts=([0-9]{1,6});until=([0-9]{1,18})").fullmatch


@dataclass
class Suspicion:
    """Starts of members at the position of one partition."""

    starts: int = 0
    #: Offset up to which records are handed over one by one.
    until: int = 0

    @classmethod
    def parse(cls, metadata: str | None) -> Suspicion:
        """Return what the metadata of a position says. Other programs may have written it."""
        found = _METADATA(metadata or "")
        return cls(int(found[1]), int(found[2])) if found else cls()

    def metadata(self) -> str:
        """Return the metadata to commit; empty if there is no suspicion."""
        return f"starts={self.starts};until={self.until}" if self.starts else ""

    def begin(self, offset: int) -> None:
        """Count a start at ``offset``."""
        self.starts += 1
        if self.starts >= SUSPECT_STARTS:
            self.until = max(self.until, offset + WINDOW)

    def end(self) -> None:
        """Take a start back that ended in an orderly way."""
        self.starts = max(0, self.starts - 1)

    def move(self, offset: int) -> None:
        """The position has moved to ``offset``. Until the window ends, each next record is a suspect."""
        if self.suspects(offset):
            self.starts = SUSPECT_STARTS - 1
        else:
            self.starts = self.until = 0

    def suspects(self, offset: int) -> bool:
        """Return whether the record at ``offset`` has to be handed over alone."""
        return offset < self.until

    def gives_up(self) -> bool:
        """Return whether the record at the position has killed too many members."""
        return self.starts > LAST_START

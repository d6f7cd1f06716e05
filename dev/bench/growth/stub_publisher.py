"""Publisher without a broker: only the database is measured."""

from collections.abc import Sequence

from shop.messaging.bus.outgoing import Outgoing, Receipt
from shop.messaging.bus.publisher import Publisher


class StubPublisher(Publisher):
    """Publisher that confirms every message."""

    def __init__(self) -> None:
        pass

    def publish(self, batch: Sequence[Outgoing]) -> Receipt:
        """Confirm the batch."""
        return Receipt(confirmed={message.entry_id for message in batch})

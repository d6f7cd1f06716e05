"""References by which a provider's notices name our messages: the parts of a Message-ID."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

_UUID = re.compile(r"\.?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class Reference:
    """An order, and which of its messages and copies."""

    order_id: UUID
    #: Kind of the message, as in ``shipped``, then its topic and the number of the copy, if there are any.
    message: str

    def metadata(self) -> dict[str, str]:
        """Return the metadata that the provider keeps with the message. Postmark takes 80 characters each."""
        return {"order_id": str(self.order_id), "message": self.message}


def key_of(message_id: str) -> str:
    """Return the part of a Message-ID that is unique: it is the key of the message at the provider."""
    return message_id.strip("<> ").rpartition("@")[0]


def reference_of(message_id: str) -> Reference | None:
    """Return the reference of a message by its Message-ID; None if it is not about an order."""
    key = key_of(message_id)
    order_id = _UUID.search(key)
    return Reference(UUID(order_id[1]), key.replace(order_id[0], "", 1)) if order_id else None


def from_metadata(metadata: Mapping[str, object]) -> Reference | None:
    """Return the reference that was sent along with a message; None if it is none of ours."""
    try:
        return Reference(UUID(str(metadata["order_id"])), str(metadata["message"]))
    except (KeyError, ValueError):
        return None

"""Shards: an aggregate's messages are relayed in order by one relay."""

from uuid import UUID

#: Relays share the work by shard. More than there will ever be relays; changing it needs an empty outbox.
SHARDS = 16


def shard_of(aggregate_id: UUID) -> int:
    """The shard that relays all messages about this aggregate."""
    return aggregate_id.int % SHARDS

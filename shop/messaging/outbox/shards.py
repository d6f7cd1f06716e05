"""Shards of the outbox. All messages about an aggregate are in one shard, which is relayed in order."""

from uuid import UUID

#: Number of shards, and the maximum number of relays. A change requires an empty outbox.
SHARDS = 16


def shard_of(aggregate_id: UUID) -> int:
    """Return the shard of an aggregate."""
    return aggregate_id.int % SHARDS

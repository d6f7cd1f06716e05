"""Relay: moves the outbox to the broker, shard by shard, in a Celery worker."""

"""Relay: publishes the outbox to the broker, shard by shard, inside a Celery worker."""

"""Outbox: events, timers and the writes of a transaction, stored with its state change."""

"""Proof of the event log: a hash chain over each aggregate's events, and signed Merkle roots over all."""

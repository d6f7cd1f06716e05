"""Simulated carrier, with its own books in its own tables. The shop reaches it only by the port."""

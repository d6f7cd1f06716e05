"""Restores of the database: whether the shop may run on it, and what must not take effect any more."""

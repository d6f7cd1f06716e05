"""Outbox: events, reminders and deferred writes, stored in the transaction of their state change.

A context's ``repository.py`` imports ``defer_write`` from here. Services take ``unit_of_work`` from
:mod:`shop.messaging.publishing`.
"""

from shop.messaging.outbox.unit_of_work import defer_write

__all__ = ["defer_write"]

"""Idempotency-Key: a request that is repeated under its key takes effect once and is answered alike.

:func:`idempotent` gives this to the method of a view. Placing an order has a faster way of its own, and
shares the syntax of the header with it, :func:`shop.rest.idempotency.keys.key_of`.
"""

from shop.rest.idempotency.attempts import REPLAYED
from shop.rest.idempotency.decorator import Rules, idempotent, idempotent_by_itself
from shop.rest.idempotency.keys import key_of

__all__ = ["REPLAYED", "Rules", "idempotent", "idempotent_by_itself", "key_of"]

"""Events of notifications: its reminders."""

from uuid import UUID

from shop.messaging.contracts import Reminder


class WithheldMessagesDue(Reminder):
    """The customer of an order has confirmed the e-mail address; messages about it were withheld."""

    order_id: UUID

"""Events of notifications: its reminders."""

from uuid import UUID

from shop.messaging.contracts import Reminder


class MailNoticeReceived(Reminder, aggregate="notice_id"):
    """The provider of e-mail has sent word of a message; record what became of it."""

    notice_id: UUID


class WithheldMessagesDue(Reminder):
    """The customer of an order has confirmed the e-mail address; messages about it were withheld."""

    order_id: UUID

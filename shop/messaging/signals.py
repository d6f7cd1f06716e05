"""Signals of the kernel, sent within the process."""

from django.dispatch import Signal

#: Sent by publish() inside the open transaction, with ``sender`` the event's class and ``event``. A receiver
#: that raises rolls the transaction back. Receivers must not call the outside.
event_published = Signal()

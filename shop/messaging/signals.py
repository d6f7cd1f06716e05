"""The in-process face of publishing: connect here to hear of an event inside its transaction."""

from django.dispatch import Signal

#: Sent by publish() inside the open transaction, with ``sender`` the event's class and ``event``.
#: A receiver that raises undoes the transaction. It must not call the outside.
event_published = Signal()

"""Signals of the kernel, sent within the process."""

from django.dispatch import Signal

#: Sent by publish() inside the open transaction, with ``sender`` the event's class and ``event``. A receiver
#: that raises rolls the transaction back. Receivers must not call the outside.
event_published = Signal(use_caching=True)  # by classes of events: looking for receivers takes longer

#: Sent in a worker's main process after a run of a consumer, with ``sender`` its name, ``events`` their
#: number, ``seconds`` and ``tally``; both are None if the run was rejected or its process was lost.
consumer_ran = Signal()

#: Sent by the relay after a batch, with ``entries`` their number and ``seconds``.
batch_relayed = Signal()

#: Sent by the relay when an error of broker or database makes it pause.
relay_paused = Signal()

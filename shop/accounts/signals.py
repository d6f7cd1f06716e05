"""Signals of accounts, for contexts."""

from django.dispatch import Signal

#: An address was confirmed, in the open transaction. ``addresses``: those that the account had ordered under
#: without confirming them; ``email``: the one to write to from now on.
address_confirmed = Signal()

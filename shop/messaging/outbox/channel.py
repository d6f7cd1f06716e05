"""The PostgreSQL notification channel that wakes the relay."""

#: Channel of notifications about new outbox rows.
CHANNEL = "shop_outbox"

#: Payload of a notification about scheduled messages that were made due.
DUE = "due"

"""The PostgreSQL notification channel that wakes the relay."""

#: The channel on which PostgreSQL tells the relay that there is work.
CHANNEL = "shop_outbox"

#: What it tells there when scheduled messages have become due before their time.
DUE = "due"

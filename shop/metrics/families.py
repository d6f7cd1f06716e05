"""Families of metrics: every name, kind and label of them. docs/monitoring.md has a row for each.

Names follow OpenTelemetry's conventions for messaging and HTTP where these have one; ours begin with shop_.
"""

from dataclasses import dataclass
from typing import Literal

#: Bounds of histograms of durations, in seconds.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LONG = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
_DAYS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 86400.0, 604800.0)
_SIZES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0)


@dataclass(frozen=True)
class Family:
    """A family of metrics."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    #: Upper bounds of a histogram.
    bounds: tuple[float, ...] = ()


# --- Workers ---------------------------------------------------------------------------------

CONSUMED_MESSAGES = Family(
    "messaging_client_consumed_messages_total",
    "counter",
    "Deliveries of events that were finished: consumed, skipped, retried, deferred, held or dead.",
    ("consumer", "outcome"),
)
FAILED_TRIES = Family(
    "shop_consumer_failed_tries_total", "counter", "Tries of a consumer that raised an error.", ("consumer",)
)
UNFINISHED_RUNS = Family(
    "shop_consumer_unfinished_runs_total",
    "counter",
    "Runs that were rejected or lost their process: their messages are redelivered.",
    ("consumer",),
)
PROCESS_DURATION = Family(
    "messaging_process_duration_seconds", "histogram", "Duration of a run.", ("consumer",), _SECONDS
)
BATCH_EVENTS = Family("shop_consumer_batch_events", "histogram", "Events in a run.", ("consumer",), _SIZES)
CRITICAL_TIME = Family(
    "shop_critical_time_seconds",
    "histogram",
    "Time from an event to the commit of its effects.",
    ("consumer",),
    _LONG,
)

# --- Relay -----------------------------------------------------------------------------------

SENT_MESSAGES = Family(
    "messaging_client_sent_messages_total", "counter", "Outbox entries that the relay has published."
)
SEND_DURATION = Family(
    "messaging_client_operation_duration_seconds",
    "histogram",
    "Duration of a batch: read, publish, confirm, delete.",
    ("operation",),
    _SECONDS,
)
RELAY_BATCH = Family("shop_relay_batch_messages", "histogram", "Outbox entries in a batch.", (), _SIZES)
RELAY_PAUSES = Family("shop_relay_pauses_total", "counter", "Pauses after an error of broker or database.")

# --- Web -------------------------------------------------------------------------------------

REQUEST_DURATION = Family(
    "http_server_request_duration_seconds",
    "histogram",
    "Duration of a request from its head to the end of the answer.",
    ("http_request_method", "http_route", "http_response_status_code"),
    _SECONDS,
)

# --- Feed ------------------------------------------------------------------------------------

FEED_READERS = Family("shop_feed_readers", "gauge", "Readers that wait for events: streams and long polls.")
FEED_POSITION = Family(
    "shop_feed_position", "gauge", "Position up to which the feed has followed the log, while it has readers."
)

# --- Scheduler: readings of database and broker ----------------------------------------------

OUTBOX_MESSAGES = Family("shop_outbox_messages", "gauge", "Outbox entries, counted up to 100,000.")
OUTBOX_AGE = Family("shop_outbox_age_seconds", "gauge", "Age of the oldest outbox entry; 0 if there is none.")
SCHEDULED_MESSAGES = Family(
    "shop_scheduled_messages", "gauge", "Scheduled messages: reminder, retry, deferred, held.", ("kind",)
)
OVERDUE_MESSAGES = Family(
    "shop_scheduled_overdue_messages", "gauge", "Scheduled messages that were due a minute ago or earlier."
)
OPEN_DEAD_LETTERS = Family(
    "shop_open_dead_letters",
    "gauge",
    "Open dead letters; without a consumer for unreadable and unroutable messages.",
    ("app", "consumer"),
)
PAUSED_CONSUMER = Family(
    "shop_consumer_paused_seconds",
    "gauge",
    "Time since a consumer was paused, by: breaker, hand; absent for others.",
    ("consumer", "by"),
)
RELAYS = Family("shop_relays", "gauge", "Relays that are connected to the database.")
QUEUE_MESSAGES = Family(
    "shop_queue_messages", "gauge", "Messages in a queue that no worker has taken.", ("queue",)
)
ORDERS = Family("shop_orders", "gauge", "Orders in a status.", ("status",))
OVERDUE_ORDERS = Family(
    "shop_overdue_orders", "gauge", "Orders whose present step has passed its deadline.", ("step",)
)
ORDER_DURATION = Family(
    "shop_order_duration_seconds",
    "histogram",
    "Time from placed to shipped, delivered or cancelled, since the scheduler's start.",
    ("outcome",),
    _DAYS,
)
WEBHOOK_ENDPOINTS = Family(
    "shop_webhook_endpoints",
    "gauge",
    "Endpoints of outside programs by state: enabled, failing, paused, gone.",
    ("state",),
)
PENDING_WEBHOOKS = Family(
    "shop_webhook_pending_deliveries", "gauge", "Webhooks that are not delivered yet, counted up to 100,000."
)
WEBHOOK_AGE = Family(
    "shop_webhook_oldest_pending_seconds",
    "gauge",
    "Age of the oldest event that an endpoint waits for which does not fail; 0 if there is none.",
)
READING_DURATION = Family(
    "shop_reading_duration_seconds", "gauge", "Duration of the last reading of a source.", ("source",)
)
READING_FAILURES = Family("shop_reading_failures_total", "counter", "Readings that failed.", ("source",))

FAMILIES: tuple[Family, ...] = tuple(value for value in globals().values() if isinstance(value, Family))

"""Settings of webhooks to outside programs and of the feed of events, from the environment."""

import os
from typing import Any

from shop.environment import days, listed, number, seconds

#: Waits in seconds after each failed attempt, three days together: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h ...
_RETRIES = "5,300,1800,7200,18000,36000,50400,72000,72000"


def endpoint_settings() -> dict[str, Any]:
    """Return the settings of endpoints."""
    return {
        #: Networks, as in ``10.1.0.0/16``, that endpoints may be in although they are not public, and that
        #: may be reached without TLS.
        "SHOP_ENDPOINT_NETWORKS": listed("SHOP_ENDPOINT_NETWORKS"),
        #: Time for a whole request and its answer.
        "SHOP_ENDPOINT_TIMEOUT": seconds("SHOP_ENDPOINT_TIMEOUT_SECONDS", 15),
        #: Waits after failed attempts, in seconds.
        "SHOP_ENDPOINT_RETRIES": listed("SHOP_ENDPOINT_RETRIES", _RETRIES),
        #: First rest of an endpoint that fails again and again; doubled up to 15 minutes.
        "SHOP_ENDPOINT_REST": seconds("SHOP_ENDPOINT_REST_SECONDS", 30),
        #: Time of failures alone after which an endpoint is paused.
        "SHOP_ENDPOINT_PAUSE_AFTER": days("SHOP_ENDPOINT_PAUSE_DAYS", 5),
        #: Requests of a worker at once, and to one endpoint by all workers.
        "SHOP_ENDPOINT_THREADS": number("SHOP_ENDPOINT_THREADS", 64),
        "SHOP_ENDPOINT_REQUESTS": number("SHOP_ENDPOINT_REQUESTS", 8),
        #: Time for which a replaced secret still signs.
        "SHOP_ENDPOINT_SECRET_OVERLAP": days("SHOP_ENDPOINT_SECRET_OVERLAP_DAYS", 1),
        #: Retention of deliveries that ended, with their attempts.
        "SHOP_ENDPOINT_RETENTION": days("SHOP_ENDPOINT_RETENTION_DAYS", 30),
        #: How requests come to the feed's process: ``proxy`` if a proxy in front routes them, or the host and
        #: port to which the web server passes them on. Empty without such a process: then there are pages
        #: and no streams.
        "SHOP_FEED": os.environ.get("SHOP_FEED", ""),
        #: Readers that wait at once, altogether and of one account.
        "SHOP_FEED_READERS": number("SHOP_FEED_READERS", 2000),
        "SHOP_FEED_READERS_AN_ACCOUNT": number("SHOP_FEED_READERS_AN_ACCOUNT", 25),
        #: Bytes after which a stream ends, and its client connects again: the server keeps what a slow client
        #: has not taken.
        "SHOP_FEED_STREAM_BYTES": number("SHOP_FEED_STREAM_BYTES", 1_000_000),
        #: Time without an event after which a stream shows that it is alive.
        "SHOP_FEED_SILENCE": seconds("SHOP_FEED_SILENCE_SECONDS", 15),
        #: Time after which the rights of a stream's reader are checked again.
        "SHOP_FEED_CHECK": seconds("SHOP_FEED_CHECK_SECONDS", 60),
    }

"""Settings of webhooks to outside programs, from the environment."""

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
    }

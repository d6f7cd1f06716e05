"""Settings of the connections to PostgreSQL."""

from datetime import timedelta
from typing import Any

import dj_database_url

#: Client and server detect within 20 seconds that the other vanished silently, instead of the operating
#: system's two hours. Until then a session keeps its locks, such as a relay's shards. The URL's query
#: overrides these values.
_TIMEOUTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
    " -c tcp_user_timeout=20000",
}
#: Server-side prepared statements, planned once per connection: small batches take half of PostgreSQL's time.
#: The kernel's binary array parameters (%b) require server-side binding.
_PREPARED_STATEMENTS = {"server_side_binding": True, "prepare_threshold": 3}


def database_settings(url: str, statement_timeout: timedelta | None) -> dict[str, Any]:
    """Return the settings of a database, whose statements may end after a time."""
    database: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True)}
    options = {**_TIMEOUTS, **_PREPARED_STATEMENTS, **database.get("OPTIONS", {})}
    if statement_timeout is not None:
        milliseconds = round(statement_timeout.total_seconds() * 1000)
        options["options"] += f" -c statement_timeout={milliseconds}"
    return {**database, "ENGINE": "shop.postgres.engine", "OPTIONS": options}

"""Server of the feed, a process of its own: ``python -m integrations.feed.serving``."""

import os
from typing import Any

from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from shop import serving
from shop.messaging.restores.opening import guard_connections
from shop.web.server import ResilientServer

#: Imported once ``shop.serving`` has set Django up.
_APPLICATION = "integrations.feed.application.Feed"
#: Seconds for pages in progress to be sent. Streams end at once, and their clients connect again.
_STOP_TIMEOUT = 2


def serve() -> None:
    """Serve until a signal stops the server. SHOP_FEED_BIND is host and port."""
    serving.refuse_restored_database()
    host, port = serving.address_of("SHOP_FEED_BIND", "127.0.0.1:8001")
    connections = serving.allow_connections()
    application = import_string(_APPLICATION)
    server = ResilientServer(
        _APPLICATION,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        http1_settings=serving.heads(),
        websockets=False,
        workers=1,
        backlog=connections,
        backpressure=connections,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_TIMEOUT,
        log_level=LogLevels.warning,
    )
    serving.share_modules()
    server_pid = os.getpid()

    def load(index: int) -> Any:
        serving.stop_with(server_pid)
        guard_connections()
        return application()

    server.serve(target_loader=load, wrap_loader=False)


if __name__ == "__main__":
    serve()

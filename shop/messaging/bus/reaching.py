"""Reachability of the brokers, for probes: a connection is opened and closed, nothing is declared."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import psycopg
from celery import Celery
from django.conf import settings

from shop.messaging.bus.port import BUSES
from shop.messaging.bus.transport_settings import scheme_of, split_servers

#: Seconds for an answer.
TIMEOUT = 5
#: Port of AMQP over TLS, on which Service Bus listens.
_AMQPS = 5671


def reach_broker(app: Celery) -> None:
    """Log in to the first node of Celery's broker that answers. Raises whatever its client raises."""
    if scheme_of(settings.CELERY_BROKER_URL) == "pgmq":  # its pool would try for half a minute
        url = "postgresql" + settings.CELERY_BROKER_URL.removeprefix("pgmq")
        psycopg.connect(url, connect_timeout=TIMEOUT).close()
        return
    with app.connection_for_read(connect_timeout=TIMEOUT) as connection:
        other_nodes = max(len(connection.alt) - 1, 0)
        connection.ensure_connection(max_retries=other_nodes, interval_start=0, interval_step=0)


def reach_event_bus() -> None:
    """Connect to a server of the event bus, if it is not Celery's broker. Raises OSError."""
    if scheme_of(settings.SHOP_EVENT_BUS) not in BUSES:
        return
    failed: OSError | None = None
    for address in addresses(settings.SHOP_EVENT_BUS):
        try:
            socket.create_connection(address, TIMEOUT).close()
        except OSError as error:
            failed = error
        else:
            return
    if failed:
        raise failed


def addresses(event_bus: str) -> list[tuple[str, int]]:
    """Return host and port of each server that the URL or connection string names."""
    if scheme_of(event_bus) == "sb":
        endpoint = dict(part.partition("=")[::2] for part in event_bus.split(";"))["Endpoint"]
        parts = urlsplit(endpoint)
        return [(parts.hostname or "", parts.port or _AMQPS)]
    servers = split_servers(event_bus)[0].rpartition("@")[2].split(",")
    pairs = (server.rpartition(":") for server in servers)
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]

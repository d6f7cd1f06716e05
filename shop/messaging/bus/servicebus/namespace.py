"""Connections to the Service Bus namespace that SHOP_EVENT_BUS names."""

from __future__ import annotations

import logging
from typing import Any

from azure.servicebus import ServiceBusClient
from celery.utils.log import get_logger
from django.conf import settings

logger = get_logger(__name__)

#: Seconds to wait for an answer.
TIMEOUT = 10.0
#: Options of senders and receivers. An idle connection needs no thread of its own: receivers listen all the
#: time, and a sender connects again if Service Bus has closed its connection.
OPTIONS: dict[str, Any] = {"keep_alive": 0}

# At INFO it logs every change of a link's state.
logging.getLogger("azure").setLevel(logging.WARNING)


def connect(*, retries: int = 0) -> ServiceBusClient:
    """Return a client. It connects when it is used."""
    return ServiceBusClient.from_connection_string(
        settings.SHOP_EVENT_BUS, retry_total=retries, retry_backoff_factor=0.1, try_timeout=TIMEOUT
    )

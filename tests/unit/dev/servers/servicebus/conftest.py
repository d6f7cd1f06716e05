import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage, ServiceBusReceiver

from dev.servers.servicebus.process import ServiceBusStandIn
from tests.unit.dev.servers.servicebus.config import entities


@pytest.fixture
def connection_string(tmp_path: Path) -> Iterator[str]:
    """Connection string of the test's own stand-in, or of what ASB_URL names."""
    if given := os.environ.get("ASB_URL"):
        with ServiceBusClient.from_connection_string(given) as client:
            _drain(client)
        yield given
        return
    server = ServiceBusStandIn(tmp_path, entities("PT1S"), preferred_port=29672)
    server.start()
    yield server.url()
    server.stop()


@pytest.fixture
def client(connection_string: str) -> Iterator[ServiceBusClient]:
    """Client of the official SDK."""
    with ServiceBusClient.from_connection_string(connection_string, retry_total=0) as client:
        yield client


def _drain(client: ServiceBusClient) -> None:
    """Remove what an earlier test has left."""
    for sub_queue in (None, "deadletter"):
        options: Any = {"sub_queue": sub_queue, "receive_mode": "receiveanddelete", "max_wait_time": 2}
        for receiver in (
            client.get_queue_receiver("jobs", **options),
            client.get_subscription_receiver("crockery", "cups", **options),
        ):
            with receiver:
                list(receiver)


@pytest.fixture
def send(client: ServiceBusClient) -> Iterator[Callable[..., None]]:
    """Send texts to the queue ``jobs``, together."""
    with client.get_queue_sender("jobs", keep_alive=0) as sender:
        yield lambda *texts: sender.send_messages([ServiceBusMessage(text) for text in texts])


@pytest.fixture
def receiver(client: ServiceBusClient) -> Iterator[ServiceBusReceiver]:
    """Receiver of the queue ``jobs``, which gives up after a second."""
    with client.get_queue_receiver("jobs", max_wait_time=1) as receiver:
        yield receiver

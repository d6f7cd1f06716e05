"""Programs of the measurement, run with the settings of the measured shop.

``fill URL ...`` makes an endpoint for each URL and prints their secrets; ``publish N`` publishes events for
them; ``send`` runs a sender until it is ended; ``bare URL SECRET N`` posts signed messages in a loop.
"""

import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import FrameType

import django

#: Threads of the bare loop: as many requests at once as the shop makes to one endpoint.
THREADS = 8
#: Body of the bare loop, as large as an event.
BODY = '{{"id": "{id}", "type": "orders.OrderCancelled.v1", "filling": "' + "x" * 300 + '"}}'


def fill(*urls: str) -> None:
    """Make endpoints, and print their secrets."""
    from integrations.services import create_endpoint  # noqa: PLC0415 - Django is set up in main()

    for url in urls:
        print(create_endpoint(url=url, event_types=["*"], contact="bench@example.com")[1])


def publish(count: str) -> None:
    """Publish events about orders, and take them up."""
    from integrations.taker import Taker  # noqa: PLC0415
    from orders.events import OrderCancelled  # noqa: PLC0415
    from shop.ids import uuid7  # noqa: PLC0415
    from shop.messaging.publishing import publish, unit_of_work  # noqa: PLC0415

    ids = [uuid7() for _ in range(int(count))]
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        with unit_of_work():
            for order_id in part:
                publish(OrderCancelled(order_id=order_id, number="ORD-1", reason="customer"))
    taker = Taker()
    while taker.take_up_part():
        pass


def send() -> None:
    """Run a sender until SIGTERM."""
    from integrations.sender import Sender  # noqa: PLC0415

    sender = Sender()

    def stop(number: int, frame: FrameType | None) -> None:
        sender.stop()

    signal.signal(signal.SIGTERM, stop)
    sender.run()


def bare(url: str, secret: str, count: str) -> None:
    """Post signed messages over kept connections, and do nothing else."""
    from integrations.http_client import Connection  # noqa: PLC0415
    from integrations.secrets import signatures  # noqa: PLC0415
    from shop.ids import uuid7  # noqa: PLC0415

    def loop(number: int) -> None:
        link = Connection(url)
        for _ in range(number):
            message_id, at = str(uuid7()), datetime.now(UTC)
            body = BODY.format(id=message_id)
            headers = {
                "webhook-id": message_id,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signatures([secret], message_id, at, body),
            }
            link.post(body.encode(), headers, timeout=15)
        link.discard()

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(loop, [int(count) // THREADS] * THREADS))


if __name__ == "__main__":
    django.setup()
    programs: dict[str, Callable[..., None]] = {"fill": fill, "publish": publish, "send": send, "bare": bare}
    programs[sys.argv[1]](*sys.argv[2:])

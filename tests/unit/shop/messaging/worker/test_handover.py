"""Messages of an event bus's own threads, on their way to the worker's event loop."""

import threading
from typing import Any

from shop.messaging.worker.handover import Handover
from tests.unit.shop.messaging.worker.doubles import Channel, Hub, Message, event


def test_messages_of_other_threads_arrive_in_the_loop_and_in_order():
    hub, received = Hub(), list[tuple[int, int]]()
    handover = Handover(hub, lambda app, message, error: received.append(_seen(message)))
    sender = threading.Thread(
        target=lambda: [handover("orders", Message(Channel(), n, event())) for n in range(100)]
    )
    sender.start()
    sender.join()

    assert received == []
    hub.run_once()
    assert received == [(n, threading.get_ident()) for n in range(100)]


def test_what_has_arrived_is_handed_over_when_the_worker_stops():
    hub, received = Hub(), list[tuple[int, int]]()
    handover = Handover(hub, lambda app, message, error: received.append(_seen(message)))
    handover("orders", Message(Channel(), 7, event()))

    handover.close()
    assert received == [(7, threading.get_ident())]
    hub.run_once()


def _seen(message: Any) -> tuple[int, int]:
    return message.delivery_tag, threading.get_ident()

"""Users of RabbitMQ for programs that read the events: each reads a queue of its own, and does nothing else.

A reader may not declare queues. With ``x-overflow: reject-publish`` a full queue of a reader would refuse the
shop's own messages, and no policy of RabbitMQ overrides this argument. So the shop declares the queue: full,
it drops its oldest messages.
"""

from __future__ import annotations

import json
import re
from typing import Any

from kombu import Connection, Queue

from shop.messaging.bus.topology import EVENTS

#: Largest size of a reader's queue in bytes. What is older is dropped.
LARGEST_QUEUE = 100_000_000

#: Limits of a reader's connections.
_LIMITS = {"max-connections": 10, "max-channels": 20}


def user_of(program: str) -> str:
    """Return the name of a reader's user, and prefix of its queues. No queue of the shop begins so."""
    return f"reader-{program}"


def queue_of(user: str) -> str:
    """Return the name of the queue that the shop declares for a reader."""
    return f"{user}.events"


def commands(user: str, *, vhost: str, events: str, may_declare: bool) -> list[list[str]]:
    """Return the arguments of the ``rabbitmqctl`` commands that give a user the rights of a reader.

    Args:
        user: name of the user, and prefix of its queues.
        vhost: virtual host of the shop.
        events: regular expression of the routing keys that the reader may bind.
        may_declare: let it declare queues and exchanges with its prefix. Only for programs that are trusted
            not to refuse messages.
    """
    own = rf"^{re.escape(user)}\."
    return [
        ["set_permissions", "-p", vhost, user, own if may_declare else "^$", own, rf"{own}|^shop\.events$"],
        ["set_topic_permissions", "-p", vhost, user, EVENTS.name, "^$", events],
        ["set_user_limits", user, json.dumps(_LIMITS)],
    ]


def declare_queue(connection: Connection, user: str) -> None:
    """Declare the reader's queue, without a binding."""
    arguments = {
        "x-queue-type": "quorum",
        "x-max-length-bytes": LARGEST_QUEUE,
        "x-overflow": "drop-head",
    }
    channel: Any = connection.channel()
    EVENTS(channel).declare()
    Queue(queue_of(user), queue_arguments=arguments)(channel).queue_declare()
    channel.close()

"""Embedded broker (PGMQ): operations that kombu's transport does not offer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Message


def is_embedded(connection: Connection) -> bool:
    """Return whether the broker is PGMQ."""
    return bool(connection.transport.driver_type == "pgmq")


@contextmanager
def single_transaction(channel: Any) -> Iterator[None]:
    """Send the messages of the block in one transaction."""
    options = channel._pgmq_send_kwargs
    with channel.pgmq.pool.connection() as session, session.transaction():
        channel._pgmq_send_kwargs = lambda message: {**options(message), "conn": session}
        try:
            yield
        finally:
            channel._pgmq_send_kwargs = options


def count_deliveries(message: Message) -> None:
    """Note the number of earlier deliveries of a message in its headers, as RabbitMQ does."""
    headers: Any = message.headers
    if (stored := message.delivery_info.get("pgmq_message")) and isinstance(headers, dict):
        headers["x-delivery-count"] = int(stored["read_ct"]) - 1


def depths(connection: Connection, queues: Iterable[str]) -> dict[str, int]:
    """Return the numbers of visible messages. A passive declaration would write to the database."""
    channel: Any = connection.channel()
    found = {metrics.queue_name: metrics.queue_visible_length for metrics in channel.pgmq.metrics_all()}
    names = {queue: channel.canonical_queue_name(queue) for queue in queues}
    return {queue: int(found[name]) for queue, name in names.items() if name in found}


def delete(messages: Iterable[Message]) -> None:
    """Delete messages by one statement a queue. Acknowledging them afterwards deletes nothing more."""
    for channel, queue, ids in _by_queue(messages):
        channel.pgmq.delete_batch(queue, ids)
    for message in messages:
        message.delivery_info.pop("pgmq_msg_id", None)


def extend_visibility(messages: Iterable[Message]) -> None:
    """Hide messages from other workers for another visibility timeout."""
    for channel, queue, ids in _by_queue(messages):
        channel.pgmq.set_vt(queue, ids, channel.visibility_timeout)


def _by_queue(messages: Iterable[Message]) -> Iterator[tuple[Any, str, list[int]]]:
    ids: defaultdict[tuple[Any, str], list[int]] = defaultdict(list)
    for message in messages:
        info = message.delivery_info
        ids[message.channel, info["pgmq_queue"]].append(info["pgmq_msg_id"])
    for (channel, queue), queue_ids in ids.items():
        yield channel, queue, queue_ids

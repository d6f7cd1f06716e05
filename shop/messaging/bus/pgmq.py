"""PostgreSQL as the broker: what it can do for us that kombu's transport does not ask it for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection, Message


def is_embedded(connection: Connection) -> bool:
    """Whether PostgreSQL is the broker."""
    return bool(connection.transport.driver_type == "pgmq")


@contextmanager
def one_at_a_time(channel: Any) -> Iterator[None]:
    """Let nobody else declare meanwhile: of two triggers one is an error."""
    with channel.pgmq.pool.connection() as session, session.transaction():
        session.execute("SELECT pg_advisory_xact_lock(hashtext('shop.messaging.topology'))")
        yield


@contextmanager
def together(channel: Any) -> Iterator[None]:
    """Send what is sent over the channel in the block in one transaction."""
    options = channel._pgmq_send_kwargs
    with channel.pgmq.pool.connection() as session, session.transaction():
        channel._pgmq_send_kwargs = lambda message: {**options(message), "conn": session}
        try:
            yield
        finally:
            channel._pgmq_send_kwargs = options


def delete(messages: Iterable[Message]) -> None:
    """Delete messages together; acknowledging them afterwards has nothing left to delete."""
    for channel, queue, ids in _by_queue(messages):
        channel.pgmq.delete_batch(queue, ids)
    for message in messages:
        message.delivery_info.pop("pgmq_msg_id", None)


def keep(messages: Iterable[Message]) -> None:
    """Have messages in our hands delivered to nobody else for another visibility timeout."""
    for channel, queue, ids in _by_queue(messages):
        channel.pgmq.set_vt(queue, ids, channel.visibility_timeout)


def _by_queue(messages: Iterable[Message]) -> Iterator[tuple[Any, str, list[int]]]:
    ids: defaultdict[tuple[Any, str], list[int]] = defaultdict(list)
    for message in messages:
        info = message.delivery_info
        ids[message.channel, info["pgmq_queue"]].append(info["pgmq_msg_id"])
    for (channel, queue), its_ids in ids.items():
        yield channel, queue, its_ids

"""Transport of the embedded broker that Celery's commands ``purge``, ``amqp`` and ``migrate`` can use.

A wrong name is answered in a line, as RabbitMQ does, and not by an error of pgmq's SQL.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from amqp.exceptions import NotFound
from kombu.transport import pgmq

_UNKNOWN_QUEUE = "there is no queue {!r}: see `celery -A shop list bindings`, or start the workers"
_UNKNOWN_EXCHANGE = "the exchange {!r} is not declared in this session: enter exchange.declare before"


class Channel(pgmq.Channel):
    """Channel of the embedded broker."""

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> Any:
        """Return the next message of a queue, or None."""
        if not self._has_queue(queue):
            raise NotFound(_UNKNOWN_QUEUE.format(queue))
        return super().basic_get(queue, no_ack=no_ack, **kwargs)

    def basic_publish(self, message: Any, exchange: str, routing_key: str, **kwargs: Any) -> Any:
        """Publish a message; ``celery amqp`` gives it as text."""
        prepared = self.prepare_message(message) if isinstance(message, str) else message
        return super().basic_publish(prepared, exchange, routing_key, **kwargs)

    def queue_purge(self, queue: str, **kwargs: Any) -> Any:
        """Delete the messages of a queue, and return their number."""
        if not self._has_queue(queue):
            raise NotFound(_UNKNOWN_QUEUE.format(queue))
        return super().queue_purge(queue, **kwargs)

    def queue_delete(self, queue: str, if_unused: bool = False, if_empty: bool = False, **kwargs: Any) -> int:
        """Delete a queue, by whatever session it was declared, and return the number of its messages."""
        if not self._has_queue(queue):
            return 0
        messages = int(self._size(queue))
        if if_empty and messages:
            return 0
        self._delete(queue)
        self.state.queue_bindings_delete(queue)
        return messages

    def queue_bind(self, queue: str, exchange: Any = None, *args: Any, **kwargs: Any) -> None:
        """Bind a queue to an exchange that this session has declared."""
        self._check_exchange(exchange)
        super().queue_bind(queue, exchange, *args, **kwargs)

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        """Delete an exchange that this session has declared."""
        self._check_exchange(exchange)
        super().exchange_delete(exchange, if_unused, nowait)

    def _maybe_enable_notify(self, queue: str, queue_name: str | None = None) -> None:
        """Have messages of a queue announced; one process at a time, for concurrent CREATE TRIGGERs fail."""
        pool: Any = self.pgmq.pool
        with pool.connection() as session, session.transaction():
            session.execute("SELECT pg_advisory_xact_lock(hashtext('shop.messaging.topology'))")
            super()._maybe_enable_notify(queue, queue_name)

    def _check_exchange(self, exchange: str | None) -> None:
        declared: Any = self.state.exchanges
        if exchange and exchange not in declared:
            raise NotFound(_UNKNOWN_EXCHANGE.format(exchange))


class Transport(pgmq.Transport):
    """Transport of the embedded broker."""

    Channel = Channel

    def _create_pgmq_client(self) -> Any:
        """Connect to the broker of the URL, which pgmq's client would take from DATABASE_URL.

        Its tables are made by our own command: the shop's role may not create extensions.
        """
        connection: Any = self.client
        address = "postgresql" + connection.as_uri(include_password=True).removeprefix("pgmq")
        defaults = {"conn_string": address, "init_extension": False, "wait_time_seconds": 0}
        connection.transport_options = defaults | connection.transport_options
        return super()._create_pgmq_client()

"""Baseline of consuming: py-amqp and psycopg do the same work for a batch, and nothing else."""

import json
import os
import select
from typing import Any

import amqp
import psycopg

from dev.bench import messages

QUEUE = "bare.events"
_NAME = "bare.note_weight"
_BATCH, _PREFETCH = 100, 200
_RECORD = """
    INSERT INTO messaging_inboxentry (event_id, consumer) SELECT id, %s FROM unnest(%s::uuid[]) AS id
    ON CONFLICT (event_id, consumer) DO NOTHING RETURNING event_id
"""
_NOTE = "INSERT INTO bench_weighing (parcel_id, grams) SELECT * FROM unnest(%s::uuid[], %s::int[])"


def consume(amqp_url: str, database_url: str) -> None:
    """Consume until stopped."""
    with messages.connect(amqp_url) as connection, psycopg.connect(database_url, autocommit=True) as session:
        channel, ready = connection.channel(), list[amqp.Message]()
        channel.basic_qos(0, _PREFETCH, False)
        channel.basic_consume(QUEUE, callback=ready.append)
        socket = select.poll()
        assert connection.sock  # noqa: S101 - connected
        socket.register(connection.sock, select.POLLIN)
        while True:
            while len(ready) < _BATCH and (not ready or socket.poll(0)):
                connection.drain_events()
            batch, ready[:] = ready[:_BATCH], ready[_BATCH:]
            _note(session, [json.loads(message.body) for message in batch])
            channel.basic_ack(batch[-1].delivery_tag or 0, multiple=True)


def _note(session: psycopg.Connection[Any], events: list[dict[str, Any]]) -> None:
    with session.transaction():
        found = session.execute(_RECORD, [_NAME, [event["id"] for event in events]])
        fresh = {str(row[0]) for row in found}
        data = [event["data"] for event in events if event["id"] in fresh]
        session.execute(_NOTE, [[one["parcel_id"] for one in data], [one["grams"] for one in data]])


if __name__ == "__main__":
    consume(os.environ["CELERY_BROKER_URL"], os.environ["DATABASE_URL"])

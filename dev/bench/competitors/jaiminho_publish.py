"""Publisher called by django-jaiminho: kombu on a persistent connection, with or without confirms."""

import os
from functools import cache

import kombu


def publish(body: str, exchange: str, routing_key: str) -> None:
    """Publish a persistent message, waiting for the confirm if confirms are on."""
    _producer().publish(
        body,
        exchange=exchange,
        routing_key=routing_key,
        content_type="application/cloudevents+json",
        content_encoding="utf-8",
        delivery_mode=kombu.Exchange.PERSISTENT_DELIVERY_MODE,
    )


@cache
def _producer() -> kombu.Producer:
    confirms = os.environ["BENCH_CONFIRMS"] == "1"
    connection = kombu.Connection(
        os.environ["BENCH_AMQP_URL"], transport_options={"confirm_publish": confirms}
    )
    return kombu.Producer(connection.channel())

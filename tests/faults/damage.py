"""Queries for damage after a fault: burned attempts, dead letters, repeated effects."""

from collections.abc import Iterable
from uuid import UUID

from tests.support.deployment import Deployment

_WATCH = (
    "create table burned_attempt (app text, type text, message_id uuid, attempts int, error text)",
    """
    create function note_burned_attempt() returns trigger language plpgsql as $$
    begin
        insert into burned_attempt values (new.app, new.type, new.message_id, new.attempts, new.last_error);
        return null;
    end $$
    """,
    """
    create trigger burned after insert or update on messaging_scheduledmessage
    for each row when (new.attempts > 0) execute function note_burned_attempt()
    """,
)


def watch_attempts(shop: Deployment) -> None:
    """Record every burned attempt from now on, by a trigger."""
    for statement in _WATCH:
        shop.execute(statement)


def burned_attempts(shop: Deployment) -> list[tuple[object, ...]]:
    """Return the attempts burned since watch_attempts()."""
    return shop.rows("select * from burned_attempt")


def attempts_of_each(shop: Deployment) -> dict[tuple[str, UUID], int]:
    """Count the attempts burned since watch_attempts(), by app and event."""
    query = "select app, message_id, max(attempts) from burned_attempt group by app, message_id"
    return {(app, message_id): attempts for app, message_id, attempts in shop.rows(query)}


def dead_letters(shop: Deployment) -> list[tuple[object, ...]]:
    """Return consumer, event type, cause and error of each dead letter."""
    return shop.rows("select consumer, type, cause, error from messaging_deadletter")


def charges(shop: Deployment, order_ids: Iterable[UUID]) -> int:
    """Count the gateway's successful charges for the orders."""
    query = "select count(*) from payments_simulatedcharge where status = 'succeeded' and order_id = any(%s)"
    return int(shop.rows(query, list(order_ids))[0][0])


def all_orders(shop: Deployment) -> list[UUID]:
    """Return all orders of the shop, including those whose customers got no answer."""
    return [order_id for (order_id,) in shop.rows("select id from orders_order")]


def consumed(shop: Deployment, order_ids: Iterable[UUID], consumer: str) -> int:
    """Count the events of the orders that a consumer has consumed."""
    query = (
        "select count(*) from messaging_inboxentry inbox"
        " join messaging_eventrecord event on event.id = inbox.event_id"
        " where event.aggregate_id = any(%s) and inbox.consumer = %s"
    )
    return int(shop.rows(query, list(order_ids), consumer)[0][0])

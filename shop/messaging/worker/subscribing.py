"""Beginning of new consumers: when a worker that runs them has started, and their queues are bound."""

from typing import Any

from celery.signals import worker_ready
from celery.utils.log import get_logger
from django.db import DatabaseError, connection

from shop.messaging.consuming import consuming_apps
from shop.messaging.consuming.subscriptions import subscribe_new

logger = get_logger(__name__)


@worker_ready.connect
def begin_subscriptions(sender: Any, **kwargs: object) -> None:
    """Begin the subscriptions of new consumers that this worker runs.

    Without a database the worker goes on: the next check-up of the order doctor begins them.
    """
    served = sender.app.amqp.queues.consume_from
    try:
        for name in subscribe_new([app for app in consuming_apps() if app in served]):
            logger.warning("%s is new: it gets the events from now on, see manage.py subscribe", name)
    except DatabaseError as error:
        logger.warning("new consumers begin with the next check-up of the order doctor: %s", error)
    finally:
        connection.close()  # the processes of the pool have their own

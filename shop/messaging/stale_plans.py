"""A migration that alters a column outdates what open connections have prepared: an error closes them.

Runs of consumers do so by themselves, see runner.py.
"""

import sys

from celery.signals import task_failure
from django.core.signals import got_request_exception
from django.db import connection
from django.dispatch import receiver

from shop.messaging.database_errors import is_stale_plan


@receiver(got_request_exception)
@task_failure.connect
def leave_stale_plans(exception: BaseException | None = None, **kwargs: object) -> None:
    """Close the connection, so that the next request or task makes another."""
    if is_stale_plan(exception or sys.exc_info()[1]):
        connection.close()

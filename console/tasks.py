"""Celery tasks of the console: the order doctor, and the alerts to operators."""

import logging
from typing import Any

from celery import shared_task

from console.alerts import watch
from console.doctor import checkups

logger = logging.getLogger("shop.alerts")

#: Limit on a check-up in seconds, far above that of a consumer and below RabbitMQ's acknowledgement timeout.
TIME_LIMIT = 25 * 60


@shared_task(
    name="console.check_up",
    ignore_result=False,
    # Acknowledge early: after a crash, beat starts the next check-up; the broker does not redeliver this one.
    acks_late=False,
    time_limit=TIME_LIMIT,
)
def check_up(by: str, repair: bool) -> dict[str, Any]:
    """Run a check-up, which stores its findings, and return the number of findings by state."""
    try:
        result = checkups.check_up(by=by, repair=repair)
    except checkups.CheckupRunning as error:
        return {"skipped": str(error)}
    return {"orders": result.checkup.orders, **{str(state): n for state, n in result.counts.items()}}


@shared_task(name="console.alert", ignore_result=True, time_limit=50)
def alert() -> None:
    """Alert the operators about what newly needs attention; what fails is sent a minute later."""
    try:
        watch.watch()
    except OSError as error:
        logger.warning("the operators could not be alerted: %s", error)

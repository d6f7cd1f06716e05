"""Celery task of the order doctor, started by beat or by an operator."""

from typing import Any

from celery import shared_task

from console.doctor import checkups

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

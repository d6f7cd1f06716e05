"""The doctor at work in a worker: by the clock, or because an operator wants it."""

from typing import Any

from celery import shared_task

from console.doctor import checkups

#: Seconds that a check-up may take; far above a consumer's limit, far below RabbitMQ's patience.
TIME_LIMIT = 25 * 60


@shared_task(
    name="console.check_up",
    ignore_result=False,
    # Acknowledged at once: a check-up that dies is made again by the clock, not by the broker.
    acks_late=False,
    time_limit=TIME_LIMIT,
)
def check_up(by: str, repair: bool) -> dict[str, Any]:
    """Audit everything and, if asked to, repair what is safe; the findings are kept as a check-up."""
    try:
        treatment = checkups.check_up(by=by, repair=repair)
    except checkups.AnotherDoctor as error:
        return {"skipped": str(error)}
    return {"orders": treatment.checkup.orders, **{str(k): n for k, n in treatment.counts.items()}}

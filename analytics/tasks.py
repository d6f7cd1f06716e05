"""What operators start: it runs in a worker, and its result is kept."""

from typing import Any

from celery import Task, shared_task

from analytics import services

#: Seconds that a rebuild may take; far above a consumer's limit, far below RabbitMQ's patience.
TIME_LIMIT = 25 * 60


@shared_task(
    name="analytics.rebuild",
    bind=True,
    ignore_result=False,
    # Acknowledged at once: a rebuild that dies is started by an operator again, not by the broker.
    acks_late=False,
    time_limit=TIME_LIMIT,
)
def rebuild(self: "Task[Any, Any]", by: str = "") -> dict[str, Any]:
    """Make the read models anew from the log; its state is PROGRESS meanwhile, with events done and total."""

    def progress(done: int, total: int) -> None:
        self.update_state(state="PROGRESS", meta={"done": done, "total": total})

    return {"events": services.rebuild(progress=progress), "by": by}

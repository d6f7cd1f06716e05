"""Task of analytics, started by operators. Its result is stored."""

from typing import Any

from celery import Task, shared_task

from analytics import services

#: Time limit of a rebuild in seconds: far above that of a consumer, far below RabbitMQ's consumer timeout.
TIME_LIMIT = 25 * 60


@shared_task(
    name="analytics.rebuild",
    bind=True,
    ignore_result=False,
    # Acknowledged at the start: an operator starts a crashed rebuild again, not the broker.
    acks_late=False,
    time_limit=TIME_LIMIT,
)
def rebuild(self: "Task[Any, Any]", by: str = "") -> dict[str, Any]:
    """Rebuild the read models from the log, in state PROGRESS with the events done and their total."""

    def progress(done: int, total: int) -> None:
        self.update_state(state="PROGRESS", meta={"done": done, "total": total})

    return {"events": services.rebuild(progress=progress), "by": by}

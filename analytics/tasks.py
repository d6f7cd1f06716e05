"""Tasks of analytics: rebuilds, started by operators, and the positions of the projections, by the clock."""

from typing import Any

from celery import Task, shared_task

from analytics import positions, second_version, services
from analytics.differences import TableDifference

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
    """Rebuild the read models from the log, in state PROGRESS with the events done and their total.

    The result has what the rebuild changed, by table.
    """
    found: list[TableDifference] = []

    def progress(done: int, total: int) -> None:
        self.update_state(state="PROGRESS", meta={"done": done, "total": total})

    events = services.rebuild(progress=progress, preview=found.extend)
    return {"events": events, "by": by, "changes": [change.as_json() for change in found]}


@shared_task(name="analytics.note_positions")
def note_positions() -> None:
    """Note how far the consumers surely are, so that looking at their lag stays cheap."""
    positions.note_checked_positions()


@shared_task(name="analytics.follow_log")
def follow_log() -> None:
    """Bring a second version of the read models up to date, if there is one."""
    second_version.follow()

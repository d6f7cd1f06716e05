"""Worker of the naive implementation: ``celery -A dev.bench.consuming.naive.app worker -Q naive``."""

from celery import Celery
from django.db import transaction

from dev.bench.consuming.naive.wire import TASK

app = Celery("naive")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name=TASK, ignore_result=True)
def note_weight(event_id: str, parcel_id: str, grams: int) -> None:
    """Record a weight once."""
    # Models can be imported after Celery has set up Django.
    from dev.bench.consuming.context.models import Seen, Weighing  # noqa: PLC0415

    with transaction.atomic():
        _, is_new = Seen.objects.get_or_create(event_id=event_id, consumer=TASK)
        if is_new:
            Weighing.objects.create(parcel_id=parcel_id, grams=grams)

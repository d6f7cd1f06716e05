"""Celery app whose tasks django-celery-outbox sends, with or without publisher confirms."""

import os

from django_celery_outbox import OutboxCelery  # type: ignore[import-not-found]  # in another venv

app = OutboxCelery("bench", broker=os.environ["BENCH_AMQP_URL"])
app.conf.task_ignore_result = True
app.conf.broker_transport_options = {"confirm_publish": os.environ["BENCH_CONFIRMS"] == "1"}

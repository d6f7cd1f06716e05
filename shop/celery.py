"""The Celery application: one app, whose workers serve the queues they are given by ``-Q``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(related_name="consumers")


@app.on_configure.connect
def add_bootsteps(sender: Celery, **kwargs: object) -> None:
    """Give every worker the bridge and the relay; each starts only where its queue is served."""
    from shop.messaging.worker import add_steps

    add_steps(sender)

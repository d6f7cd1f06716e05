"""The Celery application: one app, whose workers serve the queues they are given by ``-Q``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# By name: importing this module must not need Django's models.
app.steps["worker"].add("shop.messaging.relay.step:RelayStep")
app.steps["consumer"].add("shop.messaging.worker.bridge:Bridge")

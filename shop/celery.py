"""Celery application; each worker serves the queues given by ``-Q``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop", control="shop.messaging.bus.control:SignedControl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# By name, because this module is imported before Django's models can be.
app.steps["worker"].add("shop.messaging.relay.step:RelayStep")
app.steps["consumer"].add("shop.messaging.worker.bridge:Bridge")

"""Settings of the project with the bench's context installed."""

from shop.messaging.bus.transport_settings import task_queue
from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BROKER_URL, CELERY_TASK_QUEUES
from shop.settings import INSTALLED_APPS as _APPS

INSTALLED_APPS = [*_APPS, "dev.bench.consuming.context.apps.BenchConfig"]
CELERY_TASK_QUEUES = {**CELERY_TASK_QUEUES, "dev": task_queue("dev", CELERY_BROKER_URL)}

"""Settings of workers in contract tests: the project with the probe context."""

import os

from shop.messaging.bus.transport_settings import task_queue
from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BROKER_URL, CELERY_TASK_QUEUES

CELERY_TASK_QUEUES = {**CELERY_TASK_QUEUES, "tests": task_queue("tests", CELERY_BROKER_URL)}
CELERY_IMPORTS = ["tests.contracts.probe.consumers"]
EMAIL_FILE_PATH = os.environ.get("EMAIL_FILE_PATH", "/tmp/shop-test-mail")  # noqa: S108

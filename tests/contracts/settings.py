"""The project with the probe on board, for workers that the contract tests start."""

import os

from shop.settings import *  # noqa: F403
from shop.settings import CELERY_TASK_QUEUES

CELERY_TASK_QUEUES = {
    **CELERY_TASK_QUEUES,
    "tests": {"exchange": "shop.tasks", "exchange_type": "direct", "routing_key": "tests"},
}
CELERY_IMPORTS = ["tests.contracts.probe.consumers"]
EMAIL_FILE_PATH = os.environ.get("EMAIL_FILE_PATH", "/tmp/shop-test-mail")  # noqa: S108

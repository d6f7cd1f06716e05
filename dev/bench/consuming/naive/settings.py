"""Django and Celery with default settings; ``BENCH_KEEP`` adds persistent connections, as in the shop."""

import os

import dj_database_url

from dev.bench.consuming.naive.wire import QUEUE

_keep = os.environ.get("BENCH_KEEP") == "1"

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["dev.bench.consuming.context.apps.TablesConfig"]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None if _keep else 0)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CELERY_BROKER_URL = os.environ["CELERY_BROKER_URL"]
CELERY_TASK_QUEUES = [QUEUE]
CELERY_TASK_ACKS_LATE = True
if _keep:
    CELERY_DB_REUSE_MAX = 1_000_000

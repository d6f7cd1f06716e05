"""Django settings of django-celery-outbox, tuned for speed without loss of messages."""

from dev.bench.competitors.common import database

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["django_celery_outbox"]
DATABASES = database()
CELERY_OUTBOX_APP = "dev.bench.competitors.celery_outbox_app.app"
MONITORING_METRICS_ENABLED = False

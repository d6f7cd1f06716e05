"""Django settings for django-celery-outbox; whatever makes it faster without losing anything is set."""

from dev.bench.competitors.common import database

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["django_celery_outbox"]
DATABASES = database()
CELERY_OUTBOX_APP = "dev.bench.competitors.celery_outbox_app.app"
MONITORING_METRICS_ENABLED = False

"""Django settings, with the default of a new connection for each task."""

from dev.bench.competitors.common import database

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["dev.bench.competitors.idiomatic"]
DATABASES = database()
DATABASES["default"].pop("CONN_MAX_AGE")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

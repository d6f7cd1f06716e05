"""Django settings of django-jaiminho, tuned for speed without loss of messages."""

from dev.bench.competitors.common import database

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["jaiminho"]
DATABASES = database()
JAIMINHO_CONFIG = {
    # The other strategy publishes on commit and relays only failures.
    "PUBLISH_STRATEGY": "keep-order",
    # Otherwise each row is updated in all columns.
    "DELETE_AFTER_SEND": True,
    "SIGN_EVENTS": False,
    "VERIFY_EVENTS_SIGNATURE": False,
}

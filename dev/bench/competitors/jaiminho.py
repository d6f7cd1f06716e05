"""Django settings for django-jaiminho; whatever makes it faster without losing anything is set."""

from dev.bench.competitors.common import database

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["jaiminho"]
DATABASES = database()
JAIMINHO_CONFIG = {
    # The other strategy publishes at the commit, and relays only what failed then.
    "PUBLISH_STRATEGY": "keep-order",
    # Else each row is written anew, with all its columns.
    "DELETE_AFTER_SEND": True,
    "SIGN_EVENTS": False,
    "VERIFY_EVENTS_SIGNATURE": False,
}

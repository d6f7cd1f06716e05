"""The shop's settings, but for how soon the embedded broker hands on what a killed worker had in hand."""

from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BROKER_TRANSPORT_OPTIONS

#: Seconds; a minute in production, which tests do not have.
if "visibility_timeout" in CELERY_BROKER_TRANSPORT_OPTIONS:
    CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] = 10

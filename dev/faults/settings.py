"""The shop's settings, but what is due daily is due all the time: two schedulers then collide in minutes."""

from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BEAT_SCHEDULE as DAILY

#: Seconds between two starts of every periodic task.
OFTEN = 15.0
CELERY_BEAT_SCHEDULE = {name: {**entry, "schedule": OFTEN} for name, entry in DAILY.items()}

"""Settings of the shop with frequent periodic tasks, so that two schedulers soon collide."""

from shop.settings import *  # noqa: F403
from shop.settings import CELERY_BEAT_SCHEDULE as SCHEDULE

#: Seconds between two runs of each periodic task.
INTERVAL = 15.0
CELERY_BEAT_SCHEDULE = {name: {**entry, "schedule": INTERVAL} for name, entry in SCHEDULE.items()}

"""Django settings of django-outbox-pattern, tuned for speed without loss of messages."""

import os

from dev.bench.competitors.common import database

SECRET_KEY = "only for measuring"  # noqa: S105 - nobody logs in
USE_TZ = True
INSTALLED_APPS = ["django_outbox_pattern"]
DATABASES = database()
DJANGO_OUTBOX_PATTERN = {
    "DEFAULT_STOMP_HOST_AND_PORTS": [("127.0.0.1", int(os.environ["BENCH_STOMP_PORT"]))],
    "DEFAULT_STOMP_USERNAME": os.environ["BENCH_STOMP_USER"],
    "DEFAULT_STOMP_PASSCODE": os.environ["BENCH_STOMP_PASSWORD"],
    "DEFAULT_PUBLISHED_CHUNK_SIZE": 1000,
    "DEFAULT_PRODUCER_WAITING_TIME": 0,
}

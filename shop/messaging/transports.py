"""What each kind of broker needs to hear from Celery and kombu; settings are made from it."""

import os
from typing import Any
from urllib.parse import urlsplit


def transport_settings(broker_url: str) -> dict[str, Any]:
    """Celery settings that depend on the kind of broker, by the scheme of its URL."""
    scheme = urlsplit(broker_url.split(";")[0]).scheme
    if scheme in {"amqp", "amqps", "pyamqp"}:
        return {
            "CELERY_BROKER_TRANSPORT_OPTIONS": {},
            "CELERY_WORKER_PREFETCH_MULTIPLIER": 4,
            "CELERY_WORKER_ENABLE_REMOTE_CONTROL": True,
        }
    options: dict[str, Any] = {"polling_interval": 0.2}
    if scheme == "pgmq":
        options |= {
            # Said outright: without it pgmq's client would take DATABASE_URL from the environment.
            "conn_string": "postgresql" + broker_url.removeprefix("pgmq"),
            "init_extension": False,  # the tables are installed by our own command, without superuser rights
            "use_notify": True,
            "notify_throttle_interval_ms": 0,
            "wait_time_seconds": 0,
            # Seconds until a killed worker's messages come back; above the time limit of tasks.
            "visibility_timeout": int(os.environ.get("SHOP_VISIBILITY_TIMEOUT_SECONDS", "65")),
            "pool_size": 4,
        }
    return {
        "CELERY_BROKER_TRANSPORT_OPTIONS": options,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        # Starting a batch must not block: the bridge counts the free places itself, and a start that waits
        # for one while the worker stops would be forgotten.
        "CELERY_WORKER_POOL_PUTLOCKS": False,
        "CELERY_WORKER_ENABLE_REMOTE_CONTROL": False,  # its reply queues would pile up there
    }

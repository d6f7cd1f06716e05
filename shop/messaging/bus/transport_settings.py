"""What each kind of broker needs to hear from Celery and kombu; settings are made from it."""

import os
from typing import Any
from urllib.parse import urlsplit

_AMQP = {"amqp", "amqps", "pyamqp"}
#: Seconds without a byte after which a broker that should answer is given up, and another node is tried.
SOCKET_TIMEOUT = 10.0
#: Celery's own queues are replicated like the events queues: a classic queue is gone with its node, and no
#: worker starts that cannot declare it. A task that crashes its worker is given up after so many deliveries.
_TASK_QUEUE = {"x-queue-type": "quorum", "x-delivery-limit": 20}


def transport_settings(broker_url: str) -> dict[str, Any]:
    """Celery settings that depend on the kind of broker, by the scheme of its URL."""
    scheme = _scheme(broker_url)
    if scheme in _AMQP:
        return {
            "CELERY_BROKER_TRANSPORT_OPTIONS": {
                "read_timeout": SOCKET_TIMEOUT,
                "write_timeout": SOCKET_TIMEOUT,
            },
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
            # Seconds until a killed worker's messages come back. Above the time limit of tasks: those of
            # Celery's own nobody keeps in the worker's hand, as the bridge does with events.
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


def task_queue(name: str, broker_url: str) -> dict[str, Any]:
    """How Celery declares its own queue ``name`` (not the events queue of that app) on this broker."""
    queue: dict[str, Any] = {"exchange": "shop.tasks", "exchange_type": "direct", "routing_key": name}
    return queue | {"queue_arguments": _TASK_QUEUE} if _scheme(broker_url) in _AMQP else queue


def _scheme(broker_url: str) -> str:
    return urlsplit(broker_url.split(";")[0]).scheme

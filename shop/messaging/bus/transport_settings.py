"""Settings of Celery and kombu for each kind of broker, by the scheme of its URL."""

import os
import re
import ssl
from typing import Any
from urllib.parse import SplitResult, urlsplit

from kombu.transport import TRANSPORT_ALIASES

_AMQP = {"amqp", "amqps", "pyamqp"}
#: Seconds without a byte from a broker that owes a reply, before the connection fails over to another node.
SOCKET_TIMEOUT = 10.0
#: Arguments of Celery's own queues. They are quorum queues, like the events queues: a classic queue is
#: unavailable with its node, and a worker that cannot declare it does not start. The delivery limit ends the
#: redelivery of a task that crashes its worker.
_TASK_QUEUE = {"x-queue-type": "quorum", "x-delivery-limit": 20}


def register_transport() -> None:
    """Have kombu take our own transport for the embedded broker, wherever its URL is given."""
    TRANSPORT_ALIASES["pgmq"] = "shop.messaging.bus.pgmq_transport:Transport"


def transport_settings(broker_url: str) -> dict[str, Any]:
    """Return the Celery settings that depend on the broker."""
    scheme = scheme_of(broker_url)
    if scheme in _AMQP:
        return {
            "CELERY_BROKER_USE_SSL": _tls_options() if scheme == "amqps" else False,
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
            # Explicit, because pgmq's client defaults to DATABASE_URL from the environment.
            "conn_string": "postgresql" + broker_url.removeprefix("pgmq"),
            "init_extension": False,  # our own command creates the tables, without superuser rights
            "use_notify": True,
            "notify_throttle_interval_ms": 0,
            "wait_time_seconds": 0,
            # Seconds until messages of a killed worker are redelivered. Above the time limit of tasks: the
            # bridge extends the timeout of events, but nothing extends that of Celery's own messages.
            "visibility_timeout": int(os.environ.get("SHOP_VISIBILITY_TIMEOUT_SECONDS", "65")),
            "pool_size": 4,
        }
    return {
        "CELERY_BROKER_TRANSPORT_OPTIONS": options,
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        # Starting a batch must not block. The dispatcher counts the free processes itself, and a start that
        # waits for one while the worker stops would be lost.
        "CELERY_WORKER_POOL_PUTLOCKS": False,
        "CELERY_WORKER_ENABLE_REMOTE_CONTROL": False,  # its reply queues would accumulate
    }


def _tls_options() -> dict[str, Any]:
    """Return the options of TLS: the broker's certificate is always verified, with its host name.

    The certificate of the authority is by default one of the system's. A client certificate is optional.
    """
    return {
        "cert_reqs": ssl.CERT_REQUIRED,
        "server_hostname": None,  # that of the URL
        "ca_certs": os.environ.get("SHOP_BROKER_CA") or None,
        "certfile": os.environ.get("SHOP_BROKER_CERTIFICATE") or None,
        "keyfile": os.environ.get("SHOP_BROKER_KEY") or None,
    }


def task_queue(name: str, broker_url: str) -> dict[str, Any]:
    """Return the declaration of Celery's own queue ``name``, as opposed to the app's events queue."""
    queue: dict[str, Any] = {"exchange": "shop.tasks", "exchange_type": "direct", "routing_key": name}
    return queue | {"queue_arguments": _TASK_QUEUE} if scheme_of(broker_url) in _AMQP else queue


def scheme_of(broker_url: str) -> str:
    """Return the scheme of a URL, of the first of several, or of a connection string (Endpoint=sb://...)."""
    scheme, found, _ = broker_url.removeprefix("Endpoint=").partition("://")
    return scheme if found else ""


def split_servers(url: str) -> tuple[str, SplitResult]:
    """Return the authority of a URL that names several servers, and the parts behind it.

    urllib takes brackets for a single IPv6 address, and newer releases of Python refuse all else.
    """
    behind = url.partition("://")[2]
    authority = re.split("[/?#]", behind, maxsplit=1)[0]
    return authority, urlsplit(behind[len(authority) :])

"""How gunicorn serves shop: ``gunicorn -c shop/serving.py shop.wsgi``; the environment sets the numbers."""

import os
from typing import Any

from shop import garbage

bind = os.environ.get("SHOP_BIND", "127.0.0.1:8000")
#: A process per core keeps Python busy; threads keep slow clients from holding a process. More than two
#: compete for Python's lock, and cost more than they bring.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "2"))
worker_class = "gthread"
#: Imported once, before the workers are forked: a quicker start and less memory.
preload_app = True
timeout = 30
graceful_timeout = 10
keepalive = 5
accesslog = os.environ.get("SHOP_ACCESS_LOG") or None
errorlog = "-"
loglevel = "warning"
#: Heartbeat files in memory where there is some: on a slow disk a worker would seem dead.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108


def post_worker_init(worker: Any) -> None:
    """Have the garbage collector look less often than after every few hundred objects."""
    garbage.settle()

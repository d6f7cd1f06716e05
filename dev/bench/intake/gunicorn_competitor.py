"""Gunicorn's settings where it serves the shop to be compared with: as well off as our own server."""

from shop.messaging.worker import gc_tuning

preload_app = True
#: Heartbeats in memory, where a slow disk cannot make a process seem dead.
worker_tmp_dir = "/dev/shm"  # noqa: S108
loglevel = "warning"
keepalive = 30


def post_worker_init(worker: object) -> None:
    """Have the garbage collector look as seldom as it does in ours."""
    gc_tuning.freeze()

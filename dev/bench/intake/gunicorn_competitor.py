"""Gunicorn's settings for the comparison, tuned like the shop's own server."""

from shop.messaging.worker import gc_tuning

preload_app = True
#: Heartbeat files in memory, so that a slow disk does not make a process seem dead.
worker_tmp_dir = "/dev/shm"  # noqa: S108
loglevel = "warning"
keepalive = 30


def post_worker_init(worker: object) -> None:
    """Tune the garbage collector as the shop's own server does."""
    gc_tuning.freeze()

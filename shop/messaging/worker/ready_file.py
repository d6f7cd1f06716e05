"""Readiness file of a worker, for its supervisor. It works without the broker, unlike ``inspect ping``."""

import os
from pathlib import Path

from celery.signals import worker_ready


@worker_ready.connect
def touch_ready_file(**kwargs: object) -> None:
    """Touch the file named by ``SHOP_READY_FILE``, if set."""
    if path := os.environ.get("SHOP_READY_FILE"):
        Path(path).touch()

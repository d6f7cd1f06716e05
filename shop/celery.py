"""Celery application; each worker serves the queues given by ``-Q``."""

import logging
import os
from typing import Any

import django
from celery import Celery
from celery.signals import setup_logging
from django.apps import apps

from shop.messaging.bus.transport_settings import register_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")


class Shop(Celery):
    """Celery application whose commands, such as ``celery call`` and ``result``, find Django's models."""

    def _get_backend(self) -> Any:
        if not apps.ready:
            django.setup()
        return super()._get_backend()  # type: ignore[misc]  # not in the stubs


def keep_formatters(loglevel: int | None = None, **kwargs: Any) -> None:
    """Keep the logging of the settings, which Celery would replace by its own; ``-l`` sets the level."""
    if loglevel is not None:
        logging.getLogger().setLevel(loglevel)


if os.environ.get("LOG_FORMAT") == "json":
    setup_logging.connect(keep_formatters)

register_transport()
app = Shop("shop", control="shop.messaging.bus.control:SignedControl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# By name, because this module is imported before Django's models can be.
app.steps["worker"].add("shop.messaging.relay.step:RelayStep")
app.steps["worker"].add("integrations.step:SenderStep")
app.steps["consumer"].add("shop.messaging.worker.bridge:Bridge")

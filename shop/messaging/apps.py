"""The Django app of the messaging kernel."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class MessagingConfig(AppConfig):
    name = "shop.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the outbox to ``event_published``, register checks and the apps' consumers."""
        from shop.messaging import checks, database_errors, outbox  # noqa: F401

        autodiscover_modules("consumers")

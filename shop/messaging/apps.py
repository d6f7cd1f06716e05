"""The Django app of the messaging kernel."""

from celery.signals import worker_init
from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class MessagingConfig(AppConfig):
    """App ``messaging``: registers the kernel's receivers and checks, and the consumers of all apps."""

    name = "shop.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import the modules that register receivers and checks, and the ``consumers`` module of each app."""
        from shop.messaging import checks, database_errors, outbox  # noqa: F401
        from shop.messaging.bus import task_signatures  # noqa: F401
        from shop.messaging.consuming import subscriptions
        from shop.messaging.restores import opening

        autodiscover_modules("consumers")
        worker_init.connect(opening.guard_connections)
        post_migrate.connect(subscriptions.subscribe_in_empty_log, sender=self)
        post_migrate.connect(opening.open_new_installation, sender=self)

"""The Django app of the messaging kernel."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "shop.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the outbox, the first receiver of ``event_published``."""
        from shop.messaging import outbox  # noqa: F401

"""notifications: the e-mails to customers."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """App of the notifications context."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receiver, and register the checks of the provider."""
        from notifications import checks, receivers  # noqa: F401 - on import

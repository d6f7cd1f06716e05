"""integrations: the webhooks to outside programs."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """App of the integrations context."""

    name = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and connect the receiver."""
        from integrations import checks, receivers  # noqa: F401 - on import

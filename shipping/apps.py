"""Django app of the context *shipping*."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    """Configuration of the app."""

    name = "shipping"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks of the carrier."""
        from shipping import checks  # noqa: F401

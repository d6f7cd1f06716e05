"""Django app of the context *payments*."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Configuration of the app."""

    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks of the payment gateway."""
        from payments import checks  # noqa: F401

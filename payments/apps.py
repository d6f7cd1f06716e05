"""Django app of the context *payments*."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Configuration of the app."""

    name = "payments"
    default_auto_field = "django.db.models.BigAutoField"

"""Django app of the context *shipping*."""

from django.apps import AppConfig


class ShippingConfig(AppConfig):
    """Configuration of the app."""

    name = "shipping"
    default_auto_field = "django.db.models.BigAutoField"

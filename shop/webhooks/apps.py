"""The Django app of webhooks."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """App ``webhooks``: what providers have sent."""

    name = "shop.webhooks"
    label = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

"""The Django app of the REST API."""

from django.apps import AppConfig


class RestConfig(AppConfig):
    """App ``rest``: what all resources of the REST API share."""

    name = "shop.rest"
    label = "rest"
    default_auto_field = "django.db.models.BigAutoField"

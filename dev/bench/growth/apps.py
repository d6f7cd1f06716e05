"""Django app of the growth measurement, for ``manage.py make_orders``. It has no tables."""

from django.apps import AppConfig


class GrowthConfig(AppConfig):
    """App for development only."""

    name = "dev.bench.growth"
    label = "growth"

"""The Django app of the growth bench: it brings ``manage.py make_orders``, and no tables."""

from django.apps import AppConfig


class GrowthConfig(AppConfig):
    """App that only development installs."""

    name = "dev.bench.growth"
    label = "growth"

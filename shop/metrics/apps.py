"""The Django app of the metrics, installed if SHOP_METRICS is set."""

from importlib.util import find_spec

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules


class MetricsConfig(AppConfig):
    """App ``metrics``: starts with the processes that have metrics, and finds the readings of all apps."""

    name = "shop.metrics"
    label = "metrics"

    def ready(self) -> None:
        """Connect the starts of processes, and import the ``metrics`` module of each app."""
        if not find_spec("prometheus_client"):
            raise ImproperlyConfigured(
                "SHOP_METRICS is set, and there is no Prometheus client:"
                " pip install --require-hashes -r requirements-metrics.txt, or unset SHOP_METRICS."
            )
        from shop.metrics import processes, readings  # noqa: F401

        autodiscover_modules("metrics")

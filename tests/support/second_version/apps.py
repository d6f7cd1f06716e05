"""Registers the version."""

from django.apps import AppConfig


class SecondVersionConfig(AppConfig):
    """App of the second version."""

    name = "tests.support.second_version"

    def ready(self) -> None:
        """Register the version."""
        from analytics.registry import ORDERS
        from tests.support.second_version.version import VERSION, apply

        ORDERS.versions[VERSION] = apply  # type: ignore[index]

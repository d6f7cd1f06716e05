"""analytics: the read models of sales."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AnalyticsConfig(AppConfig):
    """App of the analytics context."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
    #: Schema of a rebuild's tables, which the workers create and drop.
    scratch_schema = "analytics_rebuild"

    def ready(self) -> None:
        """Register the projections after each migration."""
        from analytics import positions

        post_migrate.connect(positions.register_projections, sender=self)

"""analytics: the read models of sales."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """App of the analytics context."""

    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"
    #: Schema of a rebuild's tables, which the workers create and drop.
    scratch_schema = "analytics_rebuild"

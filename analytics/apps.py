"""The Django app of the analytics context."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "analytics"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the consumers in every process: a rebuild runs them, wherever it is started."""
        from analytics import consumers  # noqa: F401

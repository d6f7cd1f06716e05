"""The Django app of privacy."""

from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """App ``privacy``: keys of data subjects, and what is done with them."""

    name = "shop.privacy"
    label = "privacy"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the check."""
        from shop.privacy import checks  # noqa: F401 - registers them

"""The Django app of accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """App ``accounts``: what belongs to a user account, whichever door it comes through."""

    name = "shop.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers."""
        from shop.accounts import key_receivers, receivers  # noqa: F401 - connect on import

"""The Django app of security defaults."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class SecurityConfig(AppConfig):
    """App ``security``: registers the checks of a deployment, and grants the running role its rights."""

    name = "shop.security"
    label = "security"

    def ready(self) -> None:
        """Refuse to start with a weak secret key. Register checks and the receiver of migrations."""
        from shop.security import checks, database_roles, secret_key  # noqa: F401

        secret_key.require_secret_key()
        # Once for each migration. Django sends the signal for apps with models alone.
        sender = apps.get_app_config("messaging")
        post_migrate.connect(database_roles.grant_after_migration, sender=sender)

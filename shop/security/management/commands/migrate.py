"""``manage.py migrate`` as the owner of the tables."""

from typing import Any

from django.core.management.commands import migrate

from shop.security.database_roles import as_owner


class Command(migrate.Command):
    """Django's command, connected as SHOP_ADMIN_DATABASE_URL says."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, and grant the running role its rights on what is new."""
        with as_owner(options["database"]):
            super().handle(*args, **options)

"""``manage.py database_roles``: rights of the running role."""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from shop.security import database_roles


class Command(BaseCommand):
    """Give the running role its rights. Idempotent; ``migrate`` does it as well."""

    help = "Give the role in DATABASE_URL its rights, and none beyond, as the one in SHOP_ADMIN_DATABASE_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        """Grant and revoke."""
        try:
            with database_roles.as_owner():
                database_roles.grant(connection)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{database_roles.running_role()} reads and writes rows, and nothing else.")

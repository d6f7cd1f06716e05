"""``manage.py rotate_privacy_keys``: wrap the keys of data subjects by the present key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shop.privacy.errors import UnknownInstallationKey
from shop.privacy.rotation import rotate


class Command(BaseCommand):
    """Rewrap keys, and print their number."""

    help = "Wrap the keys of all data subjects by the first of SHOP_PRIVACY_KEYS."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Rewrap keys."""
        try:
            self.stdout.write(f"Keys wrapped anew: {rotate()}")
        except UnknownInstallationKey as error:
            raise CommandError(str(error)) from error

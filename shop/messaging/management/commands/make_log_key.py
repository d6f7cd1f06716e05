"""``manage.py make_log_key``: a key that signs the roots of the event log."""

from typing import Any

from django.core.management.base import BaseCommand

from shop.messaging.log_proof import keys


class Command(BaseCommand):
    """Print a new private key as a setting, and its public key for whoever verifies."""

    help = "Print a new key that signs the roots of the event log, and the public key that verifies them."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print both keys. Nothing is stored."""
        private, public = keys.new_key()
        self.stdout.write(f"SHOP_LOG_KEY={private}")
        self.stdout.write(f"# public key: {public}")

"""``manage.py apply_erasures``: forget again, after a restore, whom the back-up still knows."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from console.erasure.forgetting import apply_erasures


class Command(BaseCommand):
    """Apply the file of erasures. Exits with 1 if customers have orders that have not ended."""

    help = "Forget the customers in SHOP_ERASURES_FILE again, after a back-up was restored."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply the file."""
        applied = apply_erasures()
        self.stdout.write(f"Forgotten again: {len(applied.forgotten)}")
        self.stdout.write(f"Not in this database: {len(applied.unknown)}")
        if applied.waiting:
            waiting = ", ".join(map(str, applied.waiting))
            self.stdout.write(f"With orders that have not ended, run this again later: {waiting}")
            sys.exit(1)

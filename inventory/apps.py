"""inventory: the catalogue, and the stock of its products."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    """App of the inventory context."""

    name = "inventory"

    def ready(self) -> None:
        """Register the system check."""
        from inventory import checks  # noqa: F401 - registers it

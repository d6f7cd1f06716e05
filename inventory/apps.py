"""inventory: the catalogue and the stock behind it."""

from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "inventory"

"""orders: intake, and the state of every order."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """App of the orders context."""

    name = "orders"

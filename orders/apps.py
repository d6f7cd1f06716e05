"""orders: intake, and the state of every order."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

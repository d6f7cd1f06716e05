"""orders: intake, and the state of every order."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """App of the orders context."""

    name = "orders"

    def ready(self) -> None:
        """Tell whose orders events are about."""
        from orders import queries
        from shop.messaging.owners import register_owners

        register_owners(queries.customers_of, queries.orders_of)

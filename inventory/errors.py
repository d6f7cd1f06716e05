"""Errors of inventory, one class each. The docstring is the message that a person reads."""

from django.utils.translation import gettext

from shop.messaging.errors import PermanentFailure


class InventoryError(Exception):
    """The stock cannot do this."""

    def __init__(self, **facts: object) -> None:
        super().__init__(gettext(str(self.__doc__)).format(**facts))


class IllegalTransition(InventoryError):
    """The stock of order {order} is {state}: it cannot become {to}."""


class UnknownProduct(InventoryError):
    """There is no product {sku}."""


class KnownProduct(InventoryError):
    """There is a product {sku} already: change that one, or choose another SKU."""


class UnknownCategory(InventoryError):
    """There is no category {slug}: choose another one, or add it first."""


class KnownCategory(InventoryError):
    """There is a category {slug} already: change that one, or choose another slug."""


class NotEnoughStock(InventoryError):
    """There are only {available} of {sku}{besides}: {wanted} cannot be taken away."""


class CountBelowReserved(InventoryError):
    """Of {sku}, {reserved} are reserved for orders: {counted} cannot be all there are. Cancel some first."""


class ReasonMissing(InventoryError):
    """Say why the stock of {sku} is adjusted: the movement is kept for ever."""


class NegativeCount(InventoryError):
    """Count {sku} as zero or more: what is missing of it cannot be there."""


class NothingToAdjust(InventoryError):
    """Change the stock of {sku} by at least one: a correction up or down, a receipt or a loss by how many."""


class StockLimitExceeded(InventoryError):
    """The stock of {sku} cannot grow beyond {limit}."""


class MoreThanWasTaken(InventoryError, PermanentFailure):
    """{taken} of {sku} were taken for order {order}, and {back} are back: no more can come back."""

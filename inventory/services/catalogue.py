"""Catalogue: products are added, and how they are sold changes."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction

from inventory import repository
from inventory.errors import KnownProduct
from inventory.models import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product to add to the catalogue."""

    sku: str
    name: str
    price: Decimal
    #: Empty for the shop's own currency.
    currency: str = ""
    description: str = ""
    #: An emoji, the name of an SVG picture, or a URL.
    picture: str = ""
    active: bool = True
    #: Orders wait for goods to come in when there are not enough.
    backorderable: bool = False
    #: Initial stock; ignored if the product is known.
    stock: int = 0


def add_product(
    *,
    sku: str,
    name: str,
    price: Decimal,
    currency: str = "",
    description: str = "",
    picture: str = "",
    active: bool = True,
    backorderable: bool = False,
    stock: int = 0,
) -> Product:
    """Add a product, or change how a known one is sold. The stock of a known one stays as it is.

    Raises:
        ValidationError: a field is invalid.
    """
    product = NewProduct(
        sku=sku,
        name=name,
        price=price,
        currency=currency,
        description=description,
        picture=picture,
        active=active,
        backorderable=backorderable,
        stock=stock,
    )
    return add_products(products=[product])[0]


@transaction.atomic
def add_products(*, products: Iterable[NewProduct]) -> list[Product]:
    """Add many products in a few statements, as :func:`add_product` does; the last of equal SKUs counts."""
    new = {product.sku: _product(product) for product in products}
    stored = repository.add_products(new.values())
    return [stored[sku] for sku in new]


@transaction.atomic
def create_product(**facts: Any) -> Product:
    """Add a product that is not known, with the fields of :class:`NewProduct`.

    Raises:
        KnownProduct: there is one with this SKU.
        ValidationError: a field is invalid.
    """
    product = _product(NewProduct(**facts))
    stored = repository.add_products([product])[product.sku]
    if stored.pk != product.pk:
        raise KnownProduct(sku=product.sku)
    return stored


@transaction.atomic
def change_offer(*, sku: str, **changes: Any) -> Product:
    """Change how a product is sold: columns of ``Product.OFFER``. Its stock stays as it is.

    Raises:
        DoesNotExist: there is no such product.
        ValidationError: a field is invalid.
    """
    product = Product.objects.select_for_update().get(sku=sku)
    for name, value in changes.items():
        setattr(product, name, value)
    product.clean_fields()
    product.clean()
    product.save(update_fields=changes)
    return product


def _product(new: NewProduct) -> Product:
    facts = asdict(new)
    stock = facts.pop("stock")
    facts["currency"] = facts["currency"] or settings.SHOP_CURRENCY
    product = Product(**facts, initial_stock=stock, available=stock)
    product.clean_fields()
    product.clean()
    return product

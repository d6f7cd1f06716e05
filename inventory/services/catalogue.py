"""Catalogue: products are added, and how they are sold changes."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from inventory import repository
from inventory.errors import KnownProduct, UnknownCategory
from inventory.models import Category, Product


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """A product to add to the catalogue."""

    sku: str
    name: str
    price: Decimal
    #: Slug of a category; empty for none.
    category: str = ""
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
    category: str = "",
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
        category=category,
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
    _check_categories(new.values())
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
    _check_categories([product])
    stored = repository.add_products([product])[product.sku]
    if stored.pk != product.pk:
        raise KnownProduct(sku=product.sku)
    return stored


@transaction.atomic
def change_offer(*, sku: str, **changes: Any) -> Product:
    """Change how a product is sold: columns of ``Product.OFFER``, the category by its slug.

    Raises:
        DoesNotExist: there is no such product.
        ValidationError: a field is invalid.
    """
    product = Product.objects.select_for_update().get(sku=sku)
    for name, value in changes.items():
        setattr(product, Product.attribute_of(name), value)
    product.clean_fields(exclude=["category"])
    product.clean()
    if "category" in changes:
        _check_categories([product])
    product.save(update_fields=changes)
    return product


def _product(new: NewProduct) -> Product:
    facts = asdict(new)
    stock, category = facts.pop("stock"), facts.pop("category") or None
    facts["currency"] = facts["currency"] or settings.SHOP_CURRENCY
    product = Product(**facts, category_id=category, initial_stock=stock, available=stock)
    product.clean_fields(exclude=["category"])
    product.clean()
    return product


def _check_categories(products: Iterable[Product]) -> None:
    """Refuse products of a category that does not exist, with one statement for all of them."""
    slugs = {product.category_id for product in products if product.category_id is not None}
    known = Category.objects.filter(slug__in=slugs).values_list("slug", flat=True) if slugs else ()
    for slug in sorted(slugs - {*known}):
        raise ValidationError({"category": str(UnknownCategory(slug=slug))})

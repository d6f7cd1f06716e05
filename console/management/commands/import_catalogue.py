"""``manage.py import_catalogue``: import products and customers from a file."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from inventory import queries, services
from inventory.services import NewProduct
from shop.accounts import api_keys
from shop.accounts.limits import UNLIMITED
from shop.accounts.scopes import IMPORT
from shop.visible import is_visible

#: Scopes of keys for orders whose addresses are not known.
OF_IMPORTS = ("orders:read", "orders:write", IMPORT)


class Command(BaseCommand):
    """Add missing products and customers, and write a new API key of each customer to a file."""

    help = (
        "Add products, stock and customers from a JSON file; write new API keys of the customers to another."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "file", type=Path, help="JSON: products (sku, name, price, currency, needed), customers"
        )
        parser.add_argument("--tokens", type=Path, required=True, help="file for {user name: API key}")
        parser.add_argument(
            "--without-limits",
            action="store_true",
            help="lift the limits on requests and orders for these customers, as load tests need it",
        )
        parser.add_argument(
            "--unknown-addresses",
            action="store_true",
            help="the keys are for orders alone, and may place them with the placeholder of an address",
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Import the file in one transaction."""
        data = json.loads(options["file"].read_text())
        try:
            add_products([product for product in data["products"] if "name" in product])
        except ValidationError as error:
            raise CommandError(
                f"a product cannot be sold as it stands: {' '.join(error.messages)}"
            ) from error
        top_up({product["sku"]: product["needed"] for product in data["products"]}, reason=data["reason"])
        customers = [customer(name, full_name) for name, full_name in data["customers"].items()]
        if options["without_limits"]:
            Group.objects.get_or_create(name=UNLIMITED)[0].user_set.add(*customers)
        scopes = OF_IMPORTS if options["unknown_addresses"] else ()
        tokens = api_keys.replace_keys(users=customers, name="import", scopes=scopes)
        _write_private(options["tokens"], json.dumps(tokens))


def add_products(products: list[dict[str, Any]]) -> None:
    """Add the missing products to the catalogue. How known ones are sold is the operators' decision."""
    known = queries.stock_levels([product["sku"] for product in products])
    services.add_products(
        products=[
            NewProduct(
                sku=product["sku"],
                name=product["name"],
                price=Decimal(product["price"]),
                currency=product["currency"],
                backorderable=product.get("backorderable", False),
            )
            for product in products
            if product["sku"] not in known
        ]
    )


def top_up(needed: dict[str, int], *, reason: str) -> None:
    """Raise the stock of each product to the quantity needed."""
    for sku, level in queries.stock_levels(list(needed)).items():
        if (missing := needed[sku] - level.available) > 0:
            services.adjust_stock(sku=sku, quantity=missing, reason=reason, actor="import")


def customer(username: str, full_name: str) -> User:
    """Return a customer, created without a password if missing."""
    for name in (username, full_name):
        _check_name(name)
    first, _, last = full_name.partition(" ")
    found, created = get_user_model().objects.get_or_create(
        username=username,
        defaults={"first_name": first, "last_name": last, "email": f"{username}@example.com"},
    )
    if created:
        found.set_unusable_password()
        found.save()
    return found


def _check_name(name: str) -> None:
    if not is_visible(name):
        raise CommandError(f"customer {name!r}: a name has at least one character that can be seen.")


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)

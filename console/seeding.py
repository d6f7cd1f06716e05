"""Demonstration data: a catalogue, three customers and an operator.

The passwords are public. Never seed a real shop.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction

from inventory import queries, services
from inventory.errors import KnownCategory
from inventory.services import NewProduct
from shop.accounts import api_keys

#: Name of the API keys that seeding makes, and ends at the next time.
KEY_NAME = "seed"

#: SKU, name, price, picture, stock, description.
CATALOGUE = (
    ("TEA-ASSAM", "Assam Tea, 100 g", "6.90", "🍵", 500, "Malty and strong, for the first cup of the day."),
    ("TEA-MINT", "Peppermint Tea, 50 g", "4.50", "🌿", 400, "Whole leaves, dried in the shade."),
    (
        "COFFEE-ETH",
        "Coffee from Ethiopia, 250 g",
        "9.80",
        "☕",
        500,
        "Roasted on Tuesdays.",
    ),
    ("COCOA", "Drinking Chocolate, 200 g", "7.20", "🍫", 300, "With 60 % cocoa. Wants whole milk."),
    ("HONEY", "Lime Blossom Honey, 500 g", "8.40", "🍯", 250, "From the avenue behind the town hall."),
    ("JAM-CHERRY", "Cherry Jam, 220 g", "4.90", "🍒", 300, "More cherries than sugar."),
    ("OLIVE-OIL", "Olive Oil, 0.5 l", "12.90", "🫒", 200, "Cold-pressed within four hours of picking."),
    ("PASTA", "Spaghetti, 500 g", "2.80", "🍝", 600, "Drawn through bronze, dried slowly."),
    ("CHEESE", "Mountain Cheese, 300 g", "10.50", "🧀", 120, "Eighteen months old and proud of it."),
    ("BREAD", "Rye Bread, 1 kg", "5.60", "🍞", 150, "Sourdough; better on the second day."),
    ("MUG", "Stoneware Mug", "14.90", "🫖", 180, "Holds a third of a litre and keeps warm."),
    ("KNIFE", "Kitchen Knife, 18 cm", "59.00", "🔪", 60, "Carbon steel. Wipe it dry."),
    ("PAN", "Cast-iron Pan, 26 cm", "45.00", "🍳", 80, "For eggs, bread and your grandchildren."),
    ("PLANT-MONST", "Monstera in a Pot", "24.90", "🪴", 70, "Grows a new leaf each month."),
    ("CACTUS", "Cactus", "7.90", "🌵", 140, "Forgives everything but water."),
    ("TULIPS", "20 Tulip Bulbs", "11.50", "🌷", 200, "Plant in October, marvel in April."),
    ("CANDLE", "Beeswax Candle", "9.20", "🕯️", 260, "Burns for forty hours."),
    ("BLANKET", "Wool Blanket", "89.00", "🧶", 40, "Woven in one piece from undyed wool."),
    ("BOOK-ALICE", "Alice in Wonderland", "12.00", "📚", 220, "Bound in linen, with the old pictures."),
    ("NOTEBOOK", "Notebook, dotted", "8.50", "📓", 350, "Lies flat. 160 pages."),
    ("PENCILS", "12 Coloured Pencils", "15.80", "🖍️", 160, "Soft, bright, and made of cedar."),
    ("PUZZLE", "Puzzle, 1000 pieces", "19.90", "🧩", 90, "The harbour at night; mostly black."),
    ("BIKE-BELL", "Bicycle Bell", "13.40", "🔔", 110, "One ring, and they know."),
    ("UMBRELLA", "Umbrella", "29.90", "☂️", 75, "Survives the west coast."),
)


#: Categories in their order: slug, name, and SKUs of the products in it.
CATEGORIES = (
    (
        "food-and-drink",
        "Food and drink",
        "TEA-ASSAM TEA-MINT COFFEE-ETH COCOA HONEY JAM-CHERRY OLIVE-OIL PASTA CHEESE BREAD",
    ),
    ("kitchen", "Kitchen", "MUG KNIFE PAN"),
    ("home-and-garden", "Home and garden", "PLANT-MONST CACTUS TULIPS CANDLE BLANKET"),
    ("books-and-leisure", "Books and leisure", "BOOK-ALICE NOTEBOOK PENCILS PUZZLE BIKE-BELL UMBRELLA"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Account of the demonstration, with a public password."""

    username: str
    first_name: str
    last_name: str
    operator: bool = False

    @property
    def password(self) -> str:
        """Public password."""
        return f"{self.username}-pass"

    @property
    def email(self) -> str:
        """E-mail address at example.com."""
        return f"{self.username}@example.com"


PEOPLE = (
    Person("alice", "Alice", "Liddell"),
    Person("bob", "Bob", "Cratchit"),
    Person("carol", "Carol", "Kennicott"),
    Person("operator", "Olga", "Operator", operator=True),
)


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials of a person: password and API key."""

    person: Person
    #: The key, which is shown this once.
    token: str
    #: False for an account that existed before: its password may have been changed.
    is_new: bool


@transaction.atomic
def seed() -> list[Login]:
    """Add the missing data and return the logins, with new API keys in the place of former ones.

    Existing categories, products, stock and accounts are not changed.
    """
    _add_categories()
    known = queries.prices_of([sku for sku, *_ in CATALOGUE])
    services.add_products(products=[product for product in _products() if product.sku not in known])
    return [_login(person) for person in PEOPLE]


def _add_categories() -> None:
    for position, (slug, name, _) in enumerate(CATEGORIES):
        with suppress(KnownCategory):
            services.add_category(slug=slug, name=name, position=position)


def _products() -> Iterator[NewProduct]:
    category_of = {sku: slug for slug, _, skus in CATEGORIES for sku in skus.split()}
    for sku, name, price, picture, stock, description in CATALOGUE:
        yield NewProduct(
            sku=sku,
            name=name,
            category=category_of[sku],
            price=Decimal(price),
            picture=picture,
            stock=stock,
            description=description,
        )


def _login(person: Person) -> Login:
    users = get_user_model()
    user = users.objects.filter(username=person.username).first()
    is_new = user is None
    user = user or _create_user(person)
    keys = api_keys.replace_keys(users=[user], name=KEY_NAME)
    return Login(person, keys[person.username], is_new)


def _create_user(person: Person) -> User:
    users = get_user_model().objects
    create = users.create_superuser if person.operator else users.create_user
    return create(
        person.username,
        person.email,
        person.password,
        first_name=person.first_name,
        last_name=person.last_name,
    )

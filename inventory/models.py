"""Models of inventory: products with their stock, its movements, and the stock of each order."""

from collections import defaultdict
from decimal import Decimal
from functools import cached_property
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Round
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.errors import IllegalTransition
from inventory.events import StockLine
from shop.amounts import AmountField
from shop.currencies import CURRENCIES, as_text, fits
from shop.ids import uuid7
from shop.visible import check_visible, is_visible

#: SKUs fit into a URL and onto a label.
SKU_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
#: Slugs of categories fit into a URL.
SLUG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,63}\Z"
#: Highest position of a category.
MAX_POSITION = 100_000
#: Highest stock of one product: the limit of the column.
MAX_STOCK = 2_147_483_647


#: Highest price of one piece.
MAX_PRICE = Decimal("9999999999.9999")
NO_CURRENCY = _("%(currency)s is no currency: use the ISO 4217 code, as in EUR.")


def default_currency() -> str:
    """Return the shop's own currency."""
    return settings.SHOP_CURRENCY


def check_currency(currency: str) -> None:
    """Refuse codes that are no currency that a price can have."""
    if currency not in CURRENCIES:
        raise ValidationError(NO_CURRENCY, "unknown_currency", {"currency": currency})


def _real_price() -> Q:
    """Return the condition that the currency exists, and the price has no more decimals than it."""
    condition = Q()
    for decimals in sorted(set(CURRENCIES.values())):
        codes = sorted(code for code in CURRENCIES if CURRENCIES[code] == decimals)
        condition |= Q(currency__in=codes, price=Round("price", precision=decimals))
    return condition


#: Changes with ISO 4217, and then wants a migration.
_REAL_PRICE = _real_price()


class Category(models.Model):
    """A part of the catalogue. A product is in one at most."""

    slug = models.CharField(
        max_length=64,
        primary_key=True,
        validators=[RegexValidator(SLUG_PATTERN, _("Use small letters, digits and dashes only."))],
        help_text="Its name in URLs and files, as in books-and-games. It never changes.",
    )
    name = models.CharField(max_length=100, validators=[check_visible])
    position = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(MAX_POSITION)],
        help_text="Categories with lower numbers come first.",
    )

    class Meta:
        ordering = ["position", "slug"]
        verbose_name_plural = "categories"
        constraints = [
            models.CheckConstraint(
                condition=Q(slug__regex=SLUG_PATTERN), name="category_slug_fits_into_a_url"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(models.Model):
    """A product for sale, and its stock."""

    #: Columns that are written with the product and never change.
    SET_ONCE = ("id", "sku", "initial_stock", "created_at")
    #: Columns that decide how the product is sold.
    OFFER = ("name", "category", "price", "currency", "description", "picture", "active", "backorderable")
    #: Columns that movements of the stock change.
    STOCK = ("available", "reserved")
    #: Columns that change.
    CHANGEABLE = (*OFFER, *STOCK)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    sku = models.CharField(
        "SKU",
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(SKU_PATTERN, _("Use letters, digits, dots, dashes and underscores only.")),
        ],
    )
    name = models.CharField(max_length=200)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, related_name="products", db_index=False, null=True, blank=True
    )
    description = models.TextField(blank=True)
    price = AmountField(validators=[MinValueValidator(Decimal(0)), MaxValueValidator(MAX_PRICE)])
    currency = models.CharField(
        max_length=3,
        default=default_currency,
        validators=[check_currency],
    )
    picture = models.CharField(
        max_length=200, blank=True, help_text="An emoji, the name of an SVG picture, or a URL."
    )
    active = models.BooleanField(default=True, help_text="Whether customers can see and order it.")
    backorderable = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether orders wait for goods to come in when there are not enough.",
    )
    initial_stock = models.IntegerField(
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(MAX_STOCK)],
        help_text="What there was to begin with.",
    )
    #: Wider than what may be counted: orders that are stopped give back what they took.
    available = models.BigIntegerField(default=0, help_text="What can be sold now.")
    reserved = models.BigIntegerField(
        default=0, db_default=0, help_text="What is held for orders that are not paid yet."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["sku"]
        permissions = [
            ("view_stock", "Can see how much there is of a product"),
            ("adjust_stock", "Can adjust the stock, and set it to a count"),
        ]
        indexes = [
            models.Index(
                fields=["category", "name", "sku"], condition=Q(active=True), name="product_by_category"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(available__gte=0), name="product_never_oversold"),
            models.CheckConstraint(condition=Q(reserved__gte=0), name="product_reserved_not_negative"),
            models.CheckConstraint(
                condition=Q(initial_stock__gte=0), name="product_initial_stock_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(price__gte=0, price__lte=MAX_PRICE), name="product_price_within_limits"
            ),
            models.CheckConstraint(
                condition=_REAL_PRICE | Q(active=False), name="product_price_has_decimals"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="product_currency_iso_4217"
            ),
            models.CheckConstraint(condition=Q(sku__regex=SKU_PATTERN), name="product_sku_fits_into_a_url"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.sku})"

    @property
    def on_hand(self) -> int:
        """Number of pieces that there are: available, or reserved for orders."""
        return self.available + self.reserved

    @property
    def price_text(self) -> str:
        """The price with its currency, as people read it."""
        return f"{as_text(self.price, self.currency)} {self.currency}"

    def value_of(self, column: str) -> Any:
        """Return the value of a column; of the category, its slug."""
        return getattr(self, self.attribute_of(column))

    @staticmethod
    def attribute_of(column: str) -> str:
        """Return the attribute that holds the value of a column."""
        return "category_id" if column == "category" else column

    def clean(self) -> None:
        """Refuse an invisible name, and a price with more decimals than its currency; write all of them."""
        if self.name and not is_visible(self.name):
            raise ValidationError({"name": gettext("Enter at least one character that can be seen.")})
        if not isinstance(self.price, Decimal):
            return  # refused as a field
        if not fits(self.price, self.currency):
            decimals = CURRENCIES.get(self.currency)
            if decimals is None:
                raise ValidationError({"price": NO_CURRENCY % {"currency": self.currency}})
            text = gettext("{currency} has {decimals} decimals: round the price.")
            raise ValidationError({"price": text.format(currency=self.currency, decimals=decimals)})
        self.price = Decimal(as_text(self.price, self.currency))


class StockMovement(models.Model):
    """Change of a product's stock. Append-only: the database refuses to change or delete it."""

    append_only = True

    class Kind(models.TextChoices):
        """Kind of a movement."""

        #: The stock of a product when it came into the catalogue.
        INITIAL = "initial", "Initial stock"
        #: Taken for a paid order.
        SOLD = "sold", "Sold"
        #: Put back for a stopped order.
        RESTOCKED = "restocked", "Restocked"
        #: Put back after the parcel had left.
        RETURNED = "returned", "Returned"
        #: Came in from a supplier.
        RECEIVED = "received", "Received"
        #: Broken, lost or spoilt.
        WRITTEN_OFF = "write_off", "Written off"
        #: Difference that a count found.
        COUNTED = "counted", "Counted"
        #: Correction by an operator.
        ADJUSTED = "adjusted", "Adjusted"

    WRITTEN_ONCE = "a stock movement is never changed or deleted: write the opposite one"

    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="movements", db_index=False)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    quantity = models.IntegerField(help_text="Positive into the stock, negative out of it.")
    order_id = models.UUIDField("order", null=True, blank=True)
    #: The refund or the receipt of a return that the goods came back with.
    returned_with = models.UUIDField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=150, blank=True, help_text="Who adjusted it.")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["product", "-id"], name="movement_by_product"),
            models.Index(fields=["kind", "-id"], condition=~Q(kind="sold"), name="movement_by_kind"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="initial", quantity__gte=0)
                | Q(kind="sold", quantity__lt=0)
                | Q(kind__in=["restocked", "returned"], quantity__gt=0)
                | (Q(kind="received", quantity__gt=0) & ~Q(reason=""))
                | (Q(kind="write_off", quantity__lt=0) & ~Q(reason=""))
                | (Q(kind__in=["counted", "adjusted"]) & ~Q(quantity=0) & ~Q(reason="")),
                name="movement_goes_the_right_way",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["sold", "restocked", "returned"], order_id__isnull=False)
                | Q(
                    kind__in=["initial", "received", "write_off", "counted", "adjusted"],
                    order_id__isnull=True,
                ),
                name="movement_names_its_order",
            ),
            models.UniqueConstraint(
                fields=["order_id", "product", "kind"],
                condition=Q(order_id__isnull=False) & ~Q(kind="returned"),
                name="movement_once_per_order_and_kind",
            ),
            models.UniqueConstraint(
                fields=["returned_with", "product"],
                condition=Q(returned_with__isnull=False),
                name="movement_once_per_return",
            ),
            models.UniqueConstraint(
                fields=["product"], condition=Q(kind="initial"), name="movement_one_initial_per_product"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity:+} {self.get_kind_display().lower()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the movement; TypeError if it is stored already."""
        if not self._state.adding:
            raise TypeError(self.WRITTEN_ONCE)
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise TypeError: the ledger is append-only."""
        raise TypeError(self.WRITTEN_ONCE)


class OrderStock(models.Model):
    """Lines of an order, and the state of their reservation and deduction."""

    class State(models.TextChoices):
        """State of an order's stock."""

        #: Only of orders from before orders were reserved: nothing is held or taken yet.
        REMEMBERED = "remembered", "Remembered"
        #: All lines are held for the order. Nothing is taken yet.
        RESERVED = "reserved", "Reserved"
        #: Waits for goods that can be ordered ahead. Nothing is held or paid yet.
        SHORT = "short", "Short of stock"
        #: The same, and the order is paid.
        AWAITING = "awaiting", "Awaiting stock"
        #: All lines are taken.
        DEDUCTED = "deducted", "Deducted"
        #: The stock could not serve the order. Nothing is taken.
        REJECTED = "rejected", "Rejected"
        #: All lines are back in the stock.
        RESTOCKED = "restocked", "Restocked"
        #: The order ended before a deduction. Late events do nothing.
        RELEASED = "released", "Released"

    LEGAL: dict[str, set[str]] = defaultdict(
        set,
        {
            State.REMEMBERED: {State.DEDUCTED, State.REJECTED, State.AWAITING, State.RELEASED},
            State.RESERVED: {State.DEDUCTED, State.REJECTED, State.SHORT, State.RELEASED},
            State.SHORT: {State.RESERVED, State.AWAITING, State.DEDUCTED, State.RELEASED},
            State.AWAITING: {State.DEDUCTED, State.RELEASED},
            State.DEDUCTED: {State.RESTOCKED},
            State.REJECTED: {State.RELEASED},
        },
    )

    #: Columns that are written with the order and never change.
    SET_ONCE = ("order_id", "lines", "created_at")
    #: Columns that change; ``changed_at`` is the time of the last change.
    CHANGEABLE = ("state", "shortages")

    order_id = models.UUIDField("order", primary_key=True, editable=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.REMEMBERED)
    lines = models.JSONField(default=list)
    shortages = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-order_id"]
        verbose_name = "stock of an order"
        verbose_name_plural = "stock of orders"
        indexes = [
            models.Index(
                fields=["state", "-order_id"], condition=~Q(state="deducted"), name="orderstock_by_rare_state"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "remembered",
                        "reserved",
                        "short",
                        "awaiting",
                        "deducted",
                        "rejected",
                        "restocked",
                        "released",
                    ]
                ),
                name="orderstock_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.get_state_display().lower()}"

    def move_to(self, state: str) -> None:
        """Change the state; :class:`IllegalTransition` if it cannot follow the present one."""
        if state not in self.LEGAL[self.state]:
            raise IllegalTransition(order=self.order_id, state=self.state, to=state)
        self.state, self.changed_at = state, timezone.now()

    @property
    def is_undecided(self) -> bool:
        """True while nothing is taken for it, and something may be."""
        return self.is_payable or self.state == self.State.AWAITING

    @property
    def is_payable(self) -> bool:
        """True while its payment has something to decide."""
        return self.state in (self.State.REMEMBERED, self.State.RESERVED, self.State.SHORT)

    @property
    def is_waiting(self) -> bool:
        """True while it waits for goods to come in."""
        return self.state in (self.State.SHORT, self.State.AWAITING)

    @property
    def holds_stock(self) -> bool:
        """True if stock is reserved or taken for it."""
        return self.state in (self.State.RESERVED, self.State.DEDUCTED)

    @cached_property
    def stock_lines(self) -> tuple[StockLine, ...]:
        """The lines of the order."""
        return tuple(StockLine(**line) for line in self.lines)

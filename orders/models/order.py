"""Order with its lines. An order takes the steps of its history, by legal transitions alone."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Func, Q, Value
from django.utils import timezone

from orders.errors import IllegalTransition
from orders.events import Address, Customer, OrderedLine, PaymentMethod
from orders.history import State, Step
from orders.states import (
    CANCELLABLE,
    LEGAL,
    NOTHING_COMES,
    RESENDABLE,
    TERMINAL,
    AttentionReason,
    CancelReason,
    PaymentNeeds,
    Status,
)
from shop.amounts import AmountField
from shop.ids import uuid7
from shop.messaging.contracts import ERASED, Money
from shop.stored_texts import translated

#: Prefix of the serial number for people: ORD-1042.
NUMBER_PREFIX = "ORD-"
#: Characters of a customer's name that are kept. Accounts may have one more.
MAX_NAME = 300
_columns: Callable[["Order"], tuple[Any, ...]] = attrgetter(*State._fields)


class Order(models.Model):
    """A customer's order, and its state."""

    Status, CancelReason, AttentionReason = Status, CancelReason, AttentionReason

    #: Columns that are written with the order and never change, but that old Idempotency-Keys are forgotten.
    SET_ONCE = (
        "id",
        "serial",
        "customer",
        "customer_name",
        "customer_email",
        "ship_name",
        "ship_street",
        "ship_city",
        "ship_postal_code",
        "ship_country",
        "ship_second_line",
        "ship_region",
        "ship_phone",
        "payment_method",
        "retry_payment",
        "total",
        "currency",
        "placed_at",
        "idempotency_key",
        "request_fingerprint",
    )
    #: Columns that steps change; ``changed_at`` tells when.
    CHANGEABLE = State._fields

    #: Found under its Idempotency-Key, and not placed by the present request.
    is_replay = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    serial = models.BigIntegerField(
        unique=True, editable=False, db_default=Func(Value("orders_order_serial"), function="nextval")
    )
    customer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False)
    customer_name = models.CharField(max_length=MAX_NAME)
    customer_email = models.EmailField(blank=True)
    ship_name = models.CharField(max_length=120)
    ship_street = models.CharField(max_length=200)
    ship_city = models.CharField(max_length=100, blank=True)
    ship_postal_code = models.CharField(max_length=20, blank=True)
    ship_country = models.CharField(max_length=2)
    ship_second_line = models.CharField(max_length=200, blank=True, default="", db_default="")
    ship_region = models.CharField(max_length=100, blank=True, default="", db_default="")
    ship_phone = models.CharField(max_length=40, blank=True, default="", db_default="")
    payment_method = models.CharField(max_length=100)
    retry_payment = models.BooleanField(
        default=False, db_default=False, help_text="After a decline the customer may pay by other means."
    )
    total = AmountField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=15, choices=Status.choices, default=Status.PLACED)
    cancel_reason = models.CharField(max_length=20, choices=CancelReason.choices, blank=True)
    attention_reason = models.CharField(max_length=20, choices=AttentionReason.choices, blank=True)
    #: The status that it is held up in, if the reason does not imply it.
    attention_stage = models.CharField(
        max_length=15, choices=Status.choices, blank=True, default="", db_default=""
    )
    attention_note = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="For operators."
    )
    payment_undone = models.BooleanField(default=False, help_text="Nothing is, or will be, charged.")
    stock_undone = models.BooleanField(default=False, help_text="Nothing is, or will be, taken.")
    capture_failed = models.BooleanField(
        default=False, db_default=False, help_text="Money could not be taken, and nobody has answered for it."
    )
    capture_recovered = models.BooleanField(
        default=False, db_default=False, help_text="Money that could not be taken at first is taken."
    )
    payment_attempt = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="Number of the latest attempt to pay."
    )
    payment_needs = models.CharField(
        max_length=30,
        choices=PaymentNeeds.choices,
        blank=True,
        default="",
        db_default="",
        help_text="What the customer has, or had, to do to pay.",
    )
    open_disputes = models.SmallIntegerField(
        default=0, db_default=0, help_text="Disputes of its payment, less those that are won."
    )
    placed_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    idempotency_key = models.CharField(max_length=255, blank=True, editable=False)
    request_fingerprint = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        permissions = [
            ("view_timeline", "Can read the events of an order in full"),
            ("cancel_order", "Can cancel orders"),
            ("pay_order", "Can have orders paid by other means"),
            ("resume_order", "Can let held up orders go on waiting"),
            ("settle_order", "Can end held up orders, with a reason"),
            ("refund_order", "Can give money of orders back"),
            ("resend_order", "Can send orders again whose parcel did not arrive"),
            ("annotate_order", "Can write notes on orders, and tag them"),
        ]
        # A further index, order_by_email, is of an expression and made by a migration.
        indexes = [
            models.Index(fields=["customer", "-id"], name="order_by_customer"),
            models.Index(fields=["status", "-id"], name="order_by_status"),
            models.Index(fields=["changed_at", "id"], name="order_by_change"),
            models.Index(
                fields=["placed_at"], condition=~Q(idempotency_key=""), name="order_with_key_by_age"
            ),
            models.Index(
                fields=["attention_reason", "-id"],
                condition=~Q(attention_reason=""),
                name="order_by_attention",
            ),
            models.Index(
                fields=["cancel_reason", "-id"], condition=~Q(cancel_reason=""), name="order_by_cancel_reason"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="order_once_per_idempotency_key",
            ),
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="order_currency_iso_4217"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[status.value for status in Status]),
                name="order_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["cancelling", "cancelled"]) | ~Q(cancel_reason=""),
                name="order_cancelled_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(payment_undone=True, stock_undone=True),
                name="order_cancelled_only_when_undone",
            ),
            models.CheckConstraint(
                condition=Q(Q(status="needs_attention"), ~Q(attention_reason=""))
                | Q(~Q(status="needs_attention"), attention_reason=""),
                name="order_attention_has_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    # --- Properties ---

    @property
    def number(self) -> str:
        """The number as the customer knows it: ``ORD-1042``."""
        return f"{NUMBER_PREFIX}{self.serial}"

    @property
    def total_text(self) -> str:
        """The total with its currency, as people read it."""
        return str(Money.stored(self.total, self.currency))

    @property
    def stage(self) -> str:
        """The status, or the one that the order is held up in while it needs attention."""
        return self.state.stage

    @property
    def reason(self) -> str:
        """The reason of the status; empty where there is none."""
        return self.attention_reason or self.cancel_reason

    @property
    def reason_label(self) -> str:
        """The reason as people read it."""
        if self.attention_reason:
            return self.get_attention_reason_display()
        return self.get_cancel_reason_display() if self.cancel_reason else ""

    @property
    def attention_text(self) -> str:
        """The note for operators in the reader's language: the doctor writes most of them."""
        return translated(self.attention_note)

    @property
    def pay_by(self) -> datetime:
        """The time by which it has to be paid."""
        due: datetime = self.placed_at + settings.SHOP_PAYMENT_DEADLINE
        return due

    @property
    def awaits_customer(self) -> bool:
        """Tell whether the customer has to do something before it is paid."""
        return self.status == Status.PLACED and bool(self.payment_needs) and not self.payment_undone

    @property
    def payment_due(self) -> Any:
        """The attempt to pay that the customer has to do something about; None without one."""
        if not self.awaits_customer:
            return None
        related: Any = self
        return related.payment_attempts.filter(number=self.payment_attempt).first()

    @property
    def is_terminal(self) -> bool:
        """Tell whether the order has ended."""
        return self.status in TERMINAL

    @property
    def is_cancellable(self) -> bool:
        """Tell whether the order can still be cancelled."""
        return self.stage in CANCELLABLE

    @property
    def is_resumable(self) -> bool:
        """Tell whether the order is held up, and what it waits for may still come."""
        return self.status == Status.NEEDS_ATTENTION and self.attention_reason not in NOTHING_COMES

    @property
    def is_settleable(self) -> bool:
        """Tell whether the order is held up, and cannot be ended by a cancellation."""
        return self.status == Status.NEEDS_ATTENTION and not self.is_cancellable

    @property
    def may_be_refunded(self) -> bool:
        """Tell whether it was paid, and its money is not on its way back."""
        return self.stage not in (Status.PLACED, Status.CANCELLING, Status.CANCELLED)

    @property
    def is_resendable(self) -> bool:
        """Tell whether the order is held up for a parcel that did not arrive, and can be sent again."""
        return self.is_undelivered and not self.is_erased

    @property
    def is_undelivered(self) -> bool:
        """Tell whether the order is held up for a parcel that did not arrive."""
        return self.attention_reason in RESENDABLE

    @property
    def is_erased(self) -> bool:
        """Tell whether the customer was forgotten, and the personal columns with it."""
        return self.ship_name == self.ship_street == ERASED

    @property
    def ship_to(self) -> Address:
        """The address that the parcel goes to."""
        return Address(
            name=self.ship_name,
            street=self.ship_street,
            city=self.ship_city,
            postal_code=self.ship_postal_code,
            country=self.ship_country,
            second_line=self.ship_second_line,
            region=self.ship_region,
            phone=self.ship_phone,
        )

    @property
    def personal(self) -> Customer:
        """The personal facts, as events carry them."""
        return Customer(
            customer_name=self.customer_name, customer_email=self.customer_email, ship_to=self.ship_to
        )

    @property
    def payment(self) -> PaymentMethod:
        """The means of payment, as events carry it."""
        return PaymentMethod(payment_method=self.payment_method)

    # --- Steps ---

    @property
    def state(self) -> State:
        """The state that steps change."""
        return State(*_columns(self))

    def take(self, step: Step) -> bool:
        """Take a step, and return True if it changed anything.

        Raises:
            IllegalTransition: the status cannot follow the present one.
        """
        before = self.state
        after = step(before)
        if after == before:
            return False
        if after.status != before.status and after.status not in LEGAL[before.status]:
            raise IllegalTransition(number=self.number, status=before.status, to=after.status)
        for name, value in zip(self.CHANGEABLE, after, strict=True):
            setattr(self, name, value)
        if not after.status == before.status == Status.PLACED:  # its deadline does not move
            self.changed_at = timezone.now()
        return True


class OrderLine(models.Model):
    """A quantity of one product, at its price when the order was placed."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    sku = models.CharField("SKU", max_length=64)
    name = models.CharField(max_length=200)
    quantity = models.IntegerField()
    unit_price = AmountField()
    currency = models.CharField(max_length=3)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "sku"], name="orderline_once_per_sku"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="orderline_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="orderline_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"

    @property
    def amount(self) -> Decimal:
        """The price of the whole line."""
        amount: Decimal = self.quantity * self.unit_price
        return amount

    @property
    def price_text(self) -> str:
        """The price of one piece with its currency, as people read it."""
        return str(Money.stored(self.unit_price, self.currency))

    @property
    def amount_text(self) -> str:
        """The amount of the line with its currency, as people read it."""
        return str(Money.stored(self.amount, self.currency))

    @property
    def fact(self) -> OrderedLine:
        """The line as events carry it."""
        price = Money(amount=self.unit_price, currency=self.currency)
        return OrderedLine(sku=self.sku, name=self.name, quantity=self.quantity, unit_price=price)

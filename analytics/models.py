"""Models of analytics: read models, which follow from the events in any order, and a journal."""

from typing import Any, ClassVar, NoReturn

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from shop.amounts import AmountField


class Step(models.TextChoices):
    """Step of an order; OrderFact has a column ``<step>_at`` for each."""

    PLACED = "placed"
    PAID = "paid"
    CAPTURED = "captured"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_VOIDED = "payment_voided"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    STOCKED = "stocked"
    OUT_OF_STOCK = "out_of_stock"
    RESTOCKED = "restocked"
    STOCK_RELEASED = "stock_released"
    SHIPPED = "shipped"
    SHIPMENT_FAILED = "shipment_failed"
    FULFILMENT_STOPPED = "fulfilment_stopped"
    CANCELLATION_REQUESTED = "cancellation_requested"
    CANCELLATION_REJECTED = "cancellation_rejected"
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CANCELLED = "cancelled"
    NEEDS_ATTENTION = "needs_attention"
    RESUMED = "resumed"
    SETTLED = "settled"
    RETURN_REQUESTED = "return_requested"
    RETURN_APPROVED = "return_approved"
    RETURN_REJECTED = "return_rejected"
    RETURN_RECEIVED = "return_received"

    @property
    def column(self) -> str:
        """The column of OrderFact with the time of this step."""
        return _COLUMNS[self]


_COLUMNS = {step: f"{step.value}_at" for step in Step}


class ReadModel(models.Model):
    """Table that the projection writes, in SQL, and that follows from the log."""

    #: Columns that name a row.
    KEY: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True

    @classmethod
    def columns(cls) -> list[str]:
        """Return the columns that follow from the log, which a generated primary key does not."""
        return [str(field.column) for field in cls._meta.concrete_fields if field.name != "id"]

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise TypeError: a read model is rebuilt, not edited."""
        raise TypeError("a read model is not edited: rebuild it from the log")


#: The order has not ended.
OPEN = Q(delivered_at=None, cancelled_at=None, settled_at=None)
#: It has ended, and not with its customer.
ENDED_OTHERWISE = ~Q(cancelled_at=None) | ~Q(settled_at=None)

#: It needed attention for money that could not be taken.
NOT_CAPTURED = Q(held_up_reason="capture_failed")


class OrderFact(ReadModel):
    """An order: what lists and searches need of it, and the earliest time of each step; no personal facts.

    Indexes are on columns that are written once or twice, so that most updates are cheap (HOT).
    """

    KEY = ("order_id",)

    order_id = models.UUIDField(primary_key=True)
    #: Empty until OrderCreated comes.
    currency = models.CharField(max_length=3, blank=True)
    total = AmountField(null=True)
    number = models.CharField(max_length=30, blank=True, db_default="")
    customer_id = models.BigIntegerField(null=True)
    #: SKUs of its lines, sorted.
    skus = models.JSONField("SKUs", null=True)
    carrier = models.CharField(max_length=100, blank=True, db_default="")
    #: The newest time at which it needed attention, with the reason, and the status that it is held up in.
    held_up_at = models.DateTimeField(null=True)
    held_up_reason = models.CharField(max_length=20, blank=True, db_default="")
    held_up_in = models.CharField(max_length=15, blank=True, db_default="")
    #: The newest time at which an operator let it go on waiting.
    went_on_at = models.DateTimeField(null=True)
    #: The earliest time at which nothing was left of its payment.
    paid_back_at = models.DateTimeField(null=True)
    placed_at = models.DateTimeField(null=True, db_index=True)
    paid_at = models.DateTimeField(null=True)
    captured_at = models.DateTimeField(null=True)
    payment_failed_at = models.DateTimeField(null=True)
    payment_voided_at = models.DateTimeField(null=True)
    refunded_at = models.DateTimeField(null=True)
    refund_failed_at = models.DateTimeField(null=True)
    stocked_at = models.DateTimeField(null=True)
    out_of_stock_at = models.DateTimeField(null=True)
    restocked_at = models.DateTimeField(null=True)
    stock_released_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    shipment_failed_at = models.DateTimeField(null=True)
    fulfilment_stopped_at = models.DateTimeField(null=True)
    cancellation_requested_at = models.DateTimeField(null=True)
    cancellation_rejected_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    delivery_failed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    needs_attention_at = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    return_requested_at = models.DateTimeField(null=True)
    return_approved_at = models.DateTimeField(null=True)
    return_rejected_at = models.DateTimeField(null=True)
    return_received_at = models.DateTimeField(null=True)
    #: The earliest time of each step of each of its returns: ``{return_id: {step: time}}``; null without one.
    returns = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["number"], name="orderfact_by_number"),
            models.Index(fields=["customer_id", "-order_id"], name="orderfact_by_customer"),
            GinIndex(fields=["skus"], opclasses=["jsonb_path_ops"], name="orderfact_by_sku"),
            models.Index(fields=["-order_id"], condition=OPEN, name="orderfact_open"),
            models.Index(fields=["-order_id"], condition=ENDED_OTHERWISE, name="orderfact_ended_otherwise"),
            models.Index(fields=["-order_id"], condition=NOT_CAPTURED, name="orderfact_not_captured"),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id}"


class DailySales(ReadModel):
    """Orders, revenue and returns of a day (UTC) in a currency."""

    KEY = ("day", "currency")

    day = models.DateField()
    currency = models.CharField(max_length=3)
    orders_placed = models.BigIntegerField(default=0)
    orders_paid = models.BigIntegerField(default=0)
    orders_shipped = models.BigIntegerField(default=0)
    orders_delivered = models.BigIntegerField(default=0)
    orders_cancelled = models.BigIntegerField(default=0)
    revenue_captured = AmountField(default=0)
    revenue_refunded = AmountField(default=0)
    #: Returns, not orders: an order may have several. One of several receipts counts once.
    returns_requested = models.BigIntegerField(default=0, db_default=0)
    returns_approved = models.BigIntegerField(default=0, db_default=0)
    returns_rejected = models.BigIntegerField("returns refused", default=0, db_default=0)
    returns_received = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name_plural = "daily sales"
        constraints = [models.UniqueConstraint(fields=["day", "currency"], name="daily_sales_once_a_day")]
        permissions = [("rebuild_dailysales", "Can rebuild the read models from the log")]

    def __str__(self) -> str:
        return f"{self.day} {self.currency}"


class ProductSales(ReadModel):
    """Quantities of a product that were ordered, left the stock and came back."""

    KEY = ("sku",)

    sku = models.CharField("SKU", max_length=64, primary_key=True)
    #: Name in the newest order.
    name = models.TextField(blank=True)
    named_at = models.DateTimeField(null=True)
    quantity_ordered = models.BigIntegerField(default=0)
    #: Taken from the stock for paid orders.
    quantity_sold = models.BigIntegerField(default=0)
    #: Part of these that came back.
    quantity_restocked = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "product sales"

    def __str__(self) -> str:
        return self.name or self.sku


class ProductRevenue(ReadModel):
    """Ordered revenue of a product in a currency."""

    KEY = ("sku", "currency")

    sku = models.CharField("SKU", max_length=64)
    currency = models.CharField(max_length=3)
    ordered = AmountField(default=0)

    class Meta:
        verbose_name_plural = "product revenue"
        constraints = [models.UniqueConstraint(fields=["sku", "currency"], name="product_revenue_once")]

    def __str__(self) -> str:
        return f"{self.sku} {self.currency}"


class Projection(models.Model):
    """State of a projection: the version that made its read models, and how far its consumers surely are."""

    name = models.CharField(max_length=40, primary_key=True)
    #: Version of the projection that the read models follow.
    version = models.PositiveSmallIntegerField()
    #: Version that lives beside it in the shadow tables, if any, and whether it has caught up with the log.
    beside = models.PositiveSmallIntegerField("version beside", null=True)
    beside_filled = models.BooleanField(db_default=False)
    #: Searches for events that are not consumed begin after this position of the log.
    checked_to = models.BigIntegerField(db_default=0)
    rebuilt_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class JournalEntry(models.Model):
    """Measurement of an event that was consumed during a rebuild or beside a second version; they add it."""

    event_id = models.UUIDField(unique=True)
    observation = models.JSONField()
    written_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"journal entry {self.pk}"


#: Tables that a rebuild replaces.
READ_MODELS: tuple[type[ReadModel], ...] = (OrderFact, DailySales, ProductSales, ProductRevenue)

"""Queries of analytics: sales, products, the funnel, and the durations of steps."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, QuerySet, Sum

from analytics.models import DailySales, OrderFact, ProductRevenue, ProductSales, Step
from analytics.order_history import placed_orders

#: Steps of the funnel: those of a fulfilled order in their order, then the others.
FUNNEL = (
    Step.PLACED,
    Step.PAID,
    Step.STOCKED,
    Step.SHIPPED,
    Step.DELIVERED,
    Step.PAYMENT_FAILED,
    Step.OUT_OF_STOCK,
    Step.SHIPMENT_FAILED,
    Step.CANCELLATION_REQUESTED,
    Step.CANCELLATION_REJECTED,
    Step.REFUNDED,
    Step.DELIVERY_FAILED,
    Step.RETURN_REQUESTED,
    Step.RETURN_APPROVED,
    Step.RETURN_REJECTED,
    Step.RETURN_RECEIVED,
    Step.CANCELLED,
    Step.NEEDS_ATTENTION,
    Step.SETTLED,
)
#: Pairs of steps with a measured duration.
INTERVALS = (
    (Step.PLACED, Step.PAID),
    (Step.PAID, Step.STOCKED),
    (Step.STOCKED, Step.SHIPPED),
    (Step.SHIPPED, Step.DELIVERED),
    (Step.PLACED, Step.SHIPPED),
    (Step.PLACED, Step.DELIVERED),
    (Step.PLACED, Step.CANCELLED),
    (Step.CANCELLATION_REQUESTED, Step.CANCELLED),
)
Ranking = Literal["sold", "ordered", "restocked"]


@dataclass(frozen=True, slots=True)
class DayOfSales:
    """Orders, revenue and returns of a day (UTC) in a currency."""

    day: date
    currency: str
    orders_placed: int
    orders_paid: int
    orders_shipped: int
    orders_delivered: int
    orders_cancelled: int
    revenue_captured: Decimal
    revenue_refunded: Decimal
    returns_requested: int
    returns_approved: int
    returns_rejected: int
    returns_received: int

    @property
    def revenue(self) -> Decimal:
        """Captured revenue less refunds."""
        return self.revenue_captured - self.revenue_refunded


@dataclass(frozen=True, slots=True)
class Revenue:
    """Money in one currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class ProductFigures:
    """Quantities and revenue of a product."""

    sku: str
    name: str
    quantity_ordered: int
    quantity_sold: int
    quantity_restocked: int
    #: Ordered revenue, one item for each currency.
    revenue_ordered: tuple[Revenue, ...]


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """Number of the orders placed in a period that have reached a step."""

    step: str
    label: str
    orders: int
    #: Share of the orders placed, 0 to 1.
    share: float


@dataclass(frozen=True, slots=True)
class StepTime:
    """Duration between two steps in seconds: median and 99th percentile."""

    since: str
    until: str
    orders: int
    p50: float | None
    p99: float | None


def daily_sales(*, since: date, until: date, currency: str = "") -> list[DayOfSales]:
    """Return the days with orders, revenue or returns in a period, both ends included, newest first."""
    rows = DailySales.objects.filter(day__range=(since, until)).order_by("-day", "currency")
    if currency:
        rows = rows.filter(currency=currency)
    return [DayOfSales(**row) for row in rows.values(*DayOfSales.__annotations__)]


def best_sellers(*, by: Ranking = "sold", limit: int = 10) -> list[ProductFigures]:
    """Return the products with the greatest quantity sold (less restocked), ordered or restocked."""
    ranked = ProductSales.objects.annotate(sold=F("quantity_sold") - F("quantity_restocked"))
    rank = {"sold": "-sold", "ordered": "-quantity_ordered", "restocked": "-quantity_restocked"}[by]
    products = list(ranked.order_by(rank, "sku")[:limit])
    revenue = _revenue([product.sku for product in products])
    return [_figures(product, revenue[product.sku]) for product in products]


def funnel(*, since: date, until: date) -> list[FunnelStep]:
    """Count the orders placed from ``since`` to ``until``, both included, that have reached each step."""
    counts = _placed(since, until).aggregate(**{step.value: Count(step.column) for step in FUNNEL})
    placed = counts[Step.PLACED.value]
    return [
        FunnelStep(step.value, step.label, counts[step.value], counts[step.value] / placed if placed else 0.0)
        for step in FUNNEL
    ]


def step_times(*, since: date, until: date) -> list[StepTime]:
    """Return the durations between steps of orders placed from ``since`` to ``until``, both included."""
    begin, end = _bounds(since, until)
    with connection.cursor() as cursor:
        cursor.execute(_STEP_TIMES, [begin, end])
        (row,) = cursor.fetchall()
    return [
        StepTime(start.value, stop.value, row[n * 2], *(row[n * 2 + 1] or (None, None)))
        for n, (start, stop) in enumerate(INTERVALS)
    ]


# --- For the audit ----------------------------------------------------------------------------


def steps_by_order() -> Iterator[tuple[UUID, frozenset[str]]]:
    """Stream the steps of every order, by order id."""
    steps = [step.value for step in Step]
    facts = OrderFact.objects.order_by("order_id")
    columns = [step.column for step in Step]
    for order_id, *times in facts.values_list("order_id", *columns).iterator(chunk_size=5000):
        yield order_id, frozenset(step for step, at in zip(steps, times, strict=True) if at)


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order as the read model shows it."""

    order_id: UUID
    number: str
    status: str
    total: Decimal
    currency: str
    customer_id: int | None
    skus: list[str]


def shown_orders() -> Iterator[ShownOrder]:
    """Stream the orders of the read model, by order id."""
    rows = placed_orders().order_by("order_id").values_list(*ShownOrder.__annotations__)
    for row in rows.iterator(chunk_size=5000):
        yield ShownOrder(*row)


def days_that_disagree() -> list[tuple[date, str]]:
    """Return days and currencies with counts that differ from the facts of the orders and their returns."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS_THAT_DISAGREE)
        return list(cursor.fetchall())


def ended_orders() -> dict[str, int]:
    """Count the delivered and the cancelled orders of all days, as far as the events are consumed."""
    totals = DailySales.objects.aggregate(
        delivered=Sum("orders_delivered"), cancelled=Sum("orders_cancelled")
    )
    return {outcome: int(total or 0) for outcome, total in totals.items()}


def revenue_in_all() -> dict[str, tuple[Decimal, Decimal]]:
    """Return the captured and refunded totals of all days, by currency."""
    sums = DailySales.objects.order_by().values_list("currency")
    rows = sums.annotate(captured=Sum("revenue_captured"), refunded=Sum("revenue_refunded"))
    return {currency: (captured, refunded) for currency, captured, refunded in rows}


def quantities_moved() -> dict[str, tuple[int, int]]:
    """Return the sold and restocked quantities, by SKU."""
    rows = ProductSales.objects.values_list("sku", "quantity_sold", "quantity_restocked")
    return {sku: (sold, restocked) for sku, sold, restocked in rows.iterator()}


_DAYS_THAT_DISAGREE = """
    SELECT day, currency FROM analytics_dailysales AS daily FULL JOIN (
        SELECT (at AT TIME ZONE 'UTC')::date AS day, currency,
            count(*) FILTER (WHERE step = 'placed') AS placed, count(*) FILTER (WHERE step = 'paid') AS paid,
            count(*) FILTER (WHERE step = 'shipped') AS shipped,
            count(*) FILTER (WHERE step = 'delivered') AS delivered,
            count(*) FILTER (WHERE step = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE step = 'return_requested') AS requested,
            count(*) FILTER (WHERE step = 'return_approved') AS approved,
            count(*) FILTER (WHERE step = 'return_rejected') AS rejected,
            count(*) FILTER (WHERE step = 'return_received') AS received
        FROM analytics_orderfact, LATERAL (
            VALUES ('placed', placed_at), ('paid', paid_at), ('shipped', shipped_at),
                ('delivered', delivered_at), ('cancelled', cancelled_at)
            UNION ALL
            SELECT one.key, one.value::timestamptz
            FROM jsonb_each(returns) AS of_order, jsonb_each_text(of_order.value) AS one
        ) AS steps (step, at)
        WHERE currency <> '' AND at IS NOT NULL GROUP BY 1, 2
    ) AS counted USING (day, currency)
    WHERE (coalesce(orders_placed, 0), coalesce(orders_paid, 0), coalesce(orders_shipped, 0),
           coalesce(orders_delivered, 0), coalesce(orders_cancelled, 0),
           coalesce(returns_requested, 0), coalesce(returns_approved, 0),
           coalesce(returns_rejected, 0), coalesce(returns_received, 0))
       <> (coalesce(placed, 0), coalesce(paid, 0), coalesce(shipped, 0),
           coalesce(delivered, 0), coalesce(cancelled, 0), coalesce(requested, 0), coalesce(approved, 0),
           coalesce(rejected, 0), coalesce(received, 0))
    ORDER BY day, currency
"""


def _interval(start: Step, stop: Step) -> str:
    took = f"extract(epoch FROM {stop.column} - {start.column})::double precision"
    return f"count({took}), percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY {took})"


_STEP_TIMES = f"""
    SELECT {", ".join(_interval(start, stop) for start, stop in INTERVALS)}
    FROM analytics_orderfact WHERE placed_at >= %s AND placed_at < %s
"""  # noqa: S608 - of our own column names


def _placed(since: date, until: date) -> QuerySet[OrderFact]:
    begin, end = _bounds(since, until)
    return OrderFact.objects.filter(placed_at__gte=begin, placed_at__lt=end)


def _bounds(since: date, until: date) -> tuple[datetime, datetime]:
    begin = datetime.combine(since, time.min, tzinfo=UTC)
    return begin, datetime.combine(until, time.min, tzinfo=UTC) + timedelta(days=1)


def _revenue(skus: Sequence[str]) -> defaultdict[str, list[Revenue]]:
    revenue: defaultdict[str, list[Revenue]] = defaultdict(list)
    for row in ProductRevenue.objects.filter(sku__in=skus).order_by("sku", "currency"):
        revenue[row.sku].append(Revenue(row.ordered, row.currency))
    return revenue


def _figures(product: ProductSales, revenue: Sequence[Revenue]) -> ProductFigures:
    return ProductFigures(
        product.sku,
        product.name,
        product.quantity_ordered,
        product.quantity_sold,
        product.quantity_restocked,
        tuple(revenue),
    )

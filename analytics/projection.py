"""Projection of measurements into the read models, in a fixed number of statements for a batch of any size.

It is commutative: the tables end up the same for any order and any batches of measurements. Times merge to
the earliest, attention to the newest; quantities and money add up. An order, and each of its returns, counts
on the day of a step once its currency is known, whichever comes last. Each measurement must come once, which
the inbox ensures.

Every batch writes the tables in the same order, and the rows of each sorted by key, so that concurrent
batches do not deadlock. The row with the most contention, that of today, comes last and is locked briefly.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from analytics import aggregates
from analytics.measurements import Measurement
from analytics.models import Step

#: Step -> column of its day that counts it.
COUNTED: Mapping[Step, str] = {
    Step.PLACED: "orders_placed",
    Step.PAID: "orders_paid",
    Step.SHIPPED: "orders_shipped",
    Step.DELIVERED: "orders_delivered",
    Step.CANCELLED: "orders_cancelled",
}
#: Step of a return -> column of its day that counts it.
COUNTED_RETURNS: Mapping[Step, str] = {
    Step.RETURN_REQUESTED: "returns_requested",
    Step.RETURN_APPROVED: "returns_approved",
    Step.RETURN_REJECTED: "returns_rejected",
    Step.RETURN_RECEIVED: "returns_received",
}
#: Types of the columns of OrderFact that are not times.
_TYPES = {
    "currency": "text",
    "total": "numeric",
    "number": "text",
    "customer_id": "bigint",
    "skus": "jsonb",
    "carrier": "text",
    "held_up_reason": "text",
    "held_up_in": "text",
    "returns": "jsonb",
}
#: Columns of an order that was placed.
_PLACED = ("total", "currency", "number", "customer_id", "skus")
_HELD_UP = ("held_up_at", "held_up_reason", "held_up_in")
#: Columns that are never null.
_EMPTY = dict.fromkeys(("currency", "number", "carrier", "held_up_reason", "held_up_in"), "")
#: Columns that decide on which days an order and its returns count.
_COUNTING = (*(step.column for step in COUNTED), "returns")
_INSERT = """
    INSERT INTO analytics_orderfact (order_id, {columns}) SELECT * FROM unnest(%b::uuid[], {arrays})
    ON CONFLICT (order_id) DO NOTHING RETURNING order_id
"""
_LOCK = """
    SELECT order_id, {columns} FROM analytics_orderfact WHERE order_id = ANY(%b) ORDER BY order_id
    FOR NO KEY UPDATE
"""
_UPDATE = """
    UPDATE analytics_orderfact AS fact SET {changes}
    FROM unnest(%b::uuid[], {arrays}) AS new (order_id, {columns}) WHERE fact.order_id = new.order_id
"""

#: Merges the time of a step that decides on no count, whether the order is known or not.
_MERGE_TIMES = """
    INSERT INTO analytics_orderfact AS fact (order_id, currency, {column})
    SELECT order_id, '', at FROM unnest(%b::uuid[], %b::timestamptz[]) AS new (order_id, at)
    ON CONFLICT (order_id) DO UPDATE SET {column} = excluded.{column}
    WHERE fact.{column} IS NULL OR fact.{column} > excluded.{column}
"""

#: Columns of OrderFact that are read or written, with their values.
Fact = dict[str, Any]


@transaction.atomic(savepoint=False)
def apply(measurements: Sequence[Measurement]) -> None:
    """Add measurements to the read models. Not idempotent."""
    daily: aggregates.Daily = defaultdict(Decimal)
    _merge_into_facts(measurements, daily)
    aggregates.add_to_products(measurements)
    _count_money(measurements, daily)
    aggregates.add_to_days(daily)


def _merge_into_facts(measurements: Sequence[Measurement], daily: aggregates.Daily) -> None:
    """Merge measurements into the facts of orders, and add the changes of the days' counts to ``daily``."""
    if column := _only_column(measurements):
        _merge_times(measurements, column)
        return
    inserted = _insert_facts(measurements)
    for fact in inserted.values():
        _count(fact, daily, +1)
    _update_facts([m for m in measurements if m.order_id not in inserted], daily)


def _only_column(measurements: Sequence[Measurement]) -> str | None:
    """Return the column that is all that the measurements change in facts, if it decides on no count."""
    columns = {column for m in measurements for column in _columns(m)}
    return columns.pop() if len(columns) == 1 and columns.isdisjoint(_COUNTING) else None


def _merge_times(measurements: Sequence[Measurement], column: str) -> None:
    """Merge the times of a step into facts, in one statement, which locks them in the order of their keys."""
    times: dict[UUID, datetime] = {}
    for measurement in measurements:
        known = times.get(measurement.order_id, measurement.at)
        times[measurement.order_id] = min(measurement.at, known)
    aggregates.execute(_MERGE_TIMES.format(column=column), sorted(times.items()))


def _insert_facts(measurements: Sequence[Measurement]) -> dict[UUID, Fact]:
    """Insert the facts of unknown orders, and return them."""
    facts: defaultdict[UUID, Fact] = defaultdict(lambda: {**_EMPTY})
    columns = {"currency"}.union(*(_merge(m, facts[m.order_id]) for m in measurements))
    inserted = _write(_INSERT, facts, columns)
    return {order_id: facts[order_id] for (order_id,) in inserted}


def _update_facts(measurements: Sequence[Measurement], daily: aggregates.Daily) -> None:
    """Merge measurements into known facts, which are locked until the transaction ends."""
    facts = _lock_facts(measurements)
    for fact in facts.values():
        _count(fact, daily, -1)
    changed = {column for m in measurements for column in _merge(m, facts[m.order_id])}
    for fact in facts.values():
        _count(fact, daily, +1)
    if changed:
        _write(_UPDATE, facts, changed)


def _lock_facts(measurements: Sequence[Measurement]) -> dict[UUID, Fact]:
    """Lock facts, and read the columns that the measurements may change, and those that decide on counts."""
    if not measurements:
        return {}
    columns = {"currency"}.union(*map(_columns, measurements))
    if any(m.total for m in measurements):
        columns.update(_COUNTING)
    names = sorted(columns)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(columns=", ".join(names)), [[m.order_id for m in measurements]])
        return {order_id: dict(zip(names, values, strict=True)) for order_id, *values in cursor.fetchall()}


def _columns(measurement: Measurement) -> Iterator[str]:
    """Yield the columns that a measurement may change."""
    yield measurement.step.column
    if measurement.total:
        yield from _PLACED
    if measurement.carrier:
        yield "carrier"
    if measurement.held_up:
        yield from _HELD_UP
    if measurement.step is Step.RESUMED:
        yield "went_on_at"
    if measurement.paid_back:
        yield "paid_back_at"
    if measurement.return_id:
        yield "returns"


def _merge(measurement: Measurement, fact: Fact) -> Iterator[str]:
    """Merge a measurement into the fact of its order; yield the changed columns."""
    yield from _keep_earliest(measurement.step.column, measurement.at, fact)
    if measurement.total:
        skus = json.dumps(sorted({line.sku for line in measurement.ordered}))
        fact["total"], fact["currency"] = measurement.total.amount, measurement.total.currency
        fact["number"], fact["customer_id"], fact["skus"] = measurement.number, measurement.customer_id, skus
        yield from _PLACED
    if measurement.carrier:
        fact["carrier"] = measurement.carrier
        yield "carrier"
    if measurement.paid_back:
        yield from _keep_earliest("paid_back_at", measurement.at, fact)
    if measurement.return_id:
        yield from _merge_return(measurement, measurement.return_id, fact)
    yield from _merge_attention(measurement, fact)


def _merge_return(measurement: Measurement, return_id: UUID, fact: Fact) -> Iterator[str]:
    """Keep the earliest time of a step of a return. Times of UTC as text are sorted as times are."""
    returns = json.loads(fact.get("returns") or "{}")
    at = measurement.at.astimezone(UTC).isoformat(timespec="microseconds")
    steps, step = returns.setdefault(str(return_id), {}), measurement.step.value
    if at < steps.get(step, "~"):
        steps[step] = at
        fact["returns"] = json.dumps(returns)
        yield "returns"


def _merge_attention(measurement: Measurement, fact: Fact) -> Iterator[str]:
    """Keep the newest attention, and the newest end of one."""
    if (held_up := measurement.held_up) and _is_newer(measurement.at, fact.get("held_up_at")):
        fact["held_up_at"] = measurement.at
        fact["held_up_reason"], fact["held_up_in"] = held_up.reason, held_up.stage
        yield from _HELD_UP
    if measurement.step is Step.RESUMED and _is_newer(measurement.at, fact.get("went_on_at")):
        fact["went_on_at"] = measurement.at
        yield "went_on_at"


def _keep_earliest(column: str, at: datetime, fact: Fact) -> Iterator[str]:
    known = fact.get(column)
    if known is None or at < known:
        fact[column] = at
        yield column


def _is_newer(at: datetime, known: datetime | None) -> bool:
    return known is None or at > known


def _write(statement: str, facts: Mapping[UUID, Fact], columns: Collection[str]) -> list[Any]:
    """Execute a statement for these columns of facts, mostly few of twenty; return its rows."""
    names = sorted(columns)
    rows = [(order_id, *map(facts[order_id].get, names)) for order_id in sorted(facts)]
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(
                columns=", ".join(names),
                changes=", ".join(f"{name} = new.{name}" for name in names),
                arrays=", ".join(f"%b::{_TYPES.get(name, 'timestamptz')}[]" for name in names),
            ),
            [list(values) for values in zip(*rows, strict=True)],
        )
        return cursor.fetchall() if cursor.description else []


def _count(fact: Fact, daily: aggregates.Daily, sign: int) -> None:
    """Count an order and its returns on the days of their steps, once its currency is known."""
    if not fact["currency"]:
        return
    for step, column in COUNTED.items():
        if at := fact.get(step.column):
            daily[_day(at), fact["currency"], column] += sign
    for steps in json.loads(fact.get("returns") or "{}").values():
        for step, at in steps.items():
            column = COUNTED_RETURNS[Step(step)]
            daily[_day(datetime.fromisoformat(at)), fact["currency"], column] += sign


def _count_money(measurements: Sequence[Measurement], daily: aggregates.Daily) -> None:
    for measurement in measurements:
        day = _day(measurement.at)
        if money := measurement.captured:
            daily[day, money.currency, "revenue_captured"] += money.amount
        if money := measurement.refunded:
            daily[day, money.currency, "revenue_refunded"] += money.amount


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()

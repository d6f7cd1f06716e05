"""Adds observations to the read models, set by set: as many statements for one observation as for thousands.

It is commutative: whatever the order in which observations come, alone or in batches, the tables end up
the same. Times merge to the earliest, quantities and money add up, and an order counts on the day of a
step once its currency is known, whichever of the two is learnt last. Each observation must come once
only; the inbox sees to that.

Every batch writes the tables in the same order, and the rows of each sorted by key: two batches never
wait for each other in a circle. The busiest row, today's, comes last and is held the shortest.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from analytics import aggregates
from analytics.measurements import Observation
from analytics.models import Step

#: Steps that count for their day, and the column that they count in.
COUNTED: Mapping[Step, str] = {
    Step.PLACED: "orders_placed",
    Step.PAID: "orders_paid",
    Step.SHIPPED: "orders_shipped",
    Step.DELIVERED: "orders_delivered",
    Step.CANCELLED: "orders_cancelled",
}
#: Columns of OrderFact that are no times.
_TYPES = {"currency": "text", "total": "numeric"}
#: What decides for which days an order counts, once its currency becomes known.
_COUNTING = tuple(step.column for step in COUNTED)
_MAKE = """
    INSERT INTO analytics_orderfact (order_id, {columns}) SELECT * FROM unnest(%b::uuid[], {arrays})
    ON CONFLICT (order_id) DO NOTHING RETURNING order_id
"""
_LOCK = """
    SELECT order_id, {columns} FROM analytics_orderfact WHERE order_id = ANY(%b) ORDER BY order_id
    FOR NO KEY UPDATE
"""
_SAVE = """
    UPDATE analytics_orderfact AS fact SET {changes}
    FROM unnest(%b::uuid[], {arrays}) AS new (order_id, {columns}) WHERE fact.order_id = new.order_id
"""

#: Columns of OrderFact and their values, as many as matter.
Fact = dict[str, Any]


@transaction.atomic(savepoint=False)
def apply(observations: Sequence[Observation]) -> None:
    """Add observations, each for the first time, to the read models."""
    daily: aggregates.Daily = defaultdict(Decimal)
    _merge_into_facts(observations, daily)
    aggregates.add_to_products(observations)
    _count_money(observations, daily)
    aggregates.add_to_days(daily)


def _merge_into_facts(observations: Sequence[Observation], daily: aggregates.Daily) -> None:
    """Merge into the orders' facts, and add to ``daily`` by how much that changes the days' counts."""
    made = _make(observations)
    for fact in made.values():
        _count(fact, daily, +1)
    _change([o for o in observations if o.order_id not in made], daily)


def _make(observations: Sequence[Observation]) -> dict[UUID, Fact]:
    """Make the facts of orders of which nothing was known; the others are left as they are."""
    facts: defaultdict[UUID, Fact] = defaultdict(lambda: {"currency": ""})
    columns = {"currency"}.union(*(_merge(o, facts[o.order_id]) for o in observations))
    made = _write(_MAKE, facts, columns)
    return {order_id: facts[order_id] for (order_id,) in made}


def _change(observations: Sequence[Observation], daily: aggregates.Daily) -> None:
    """Merge into facts that are there, locked until the transaction ends."""
    facts = _locked(observations)
    for fact in facts.values():
        _count(fact, daily, -1)
    changed = {column for o in observations for column in _merge(o, facts[o.order_id])}
    for fact in facts.values():
        _count(fact, daily, +1)
    if changed:
        _write(_SAVE, facts, changed)


def _locked(observations: Sequence[Observation]) -> dict[UUID, Fact]:
    """What the observations may change of facts, and what that may change in turn."""
    if not observations:
        return {}
    columns = {"currency", *(o.step.column for o in observations)}
    if any(o.total for o in observations):
        columns.update(("total", *_COUNTING))
    names = sorted(columns)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK.format(columns=", ".join(names)), [[o.order_id for o in observations]])
        return {order_id: dict(zip(names, values, strict=True)) for order_id, *values in cursor.fetchall()}


def _merge(observation: Observation, fact: Fact) -> Iterator[str]:
    """Merge one observation into its order's fact; yield the columns that changed."""
    column = observation.step.column
    known = fact.get(column)
    if known is None or observation.at < known:
        fact[column] = observation.at
        yield column
    if observation.total:
        fact["total"], fact["currency"] = observation.total.amount, observation.total.currency
        yield from ("total", "currency")


def _write(statement: str, facts: Mapping[UUID, Fact], columns: Collection[str]) -> list[Any]:
    """Run a statement over these columns of facts, mostly few of twenty; return what it returns."""
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
    """Add an order to the days of its steps; it counts nowhere until its currency is known."""
    if not fact["currency"]:
        return
    for step, column in COUNTED.items():
        if at := fact.get(step.column):
            daily[_day(at), fact["currency"], column] += sign


def _count_money(observations: Sequence[Observation], daily: aggregates.Daily) -> None:
    for observation in observations:
        day = _day(observation.at)
        if money := observation.captured:
            daily[day, money.currency, "revenue_captured"] += money.amount
        if money := observation.refunded:
            daily[day, money.currency, "revenue_refunded"] += money.amount


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()

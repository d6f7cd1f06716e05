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
from uuid import UUID

from django.db import transaction

from analytics import tallies
from analytics.models import OrderFact, Step
from analytics.observations import Observation

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
_MAKE = """
    INSERT INTO analytics_orderfact (order_id, currency) SELECT id, '' FROM unnest(%b::uuid[]) AS id
    ON CONFLICT (order_id) DO NOTHING
"""
_SAVE = """
    UPDATE analytics_orderfact AS fact SET {changes}
    FROM unnest(%b::uuid[], {arrays}) AS new (order_id, {columns}) WHERE fact.order_id = new.order_id
"""


@transaction.atomic(savepoint=False)
def apply(observations: Sequence[Observation]) -> None:
    """Add observations, each for the first time, to the read models."""
    daily: tallies.Daily = defaultdict(Decimal)
    _merge_into_facts(observations, daily)
    tallies.add_to_products(observations)
    _count_money(observations, daily)
    tallies.add_to_days(daily)


def _merge_into_facts(observations: Sequence[Observation], daily: tallies.Daily) -> None:
    """Merge into the orders' facts, and add to ``daily`` by how much that changes the days' counts."""
    facts = _locked({observation.order_id for observation in observations})
    for fact in facts.values():
        _count(fact, daily, -1)
    changed = {column for o in observations for column in _merge(o, facts[o.order_id])}
    for fact in facts.values():
        _count(fact, daily, +1)
    _save(facts.values(), changed)


def _locked(order_ids: Collection[UUID]) -> dict[UUID, OrderFact]:
    """The facts of these orders, made where there are none yet, locked until the transaction ends."""
    wanted = sorted(order_ids)
    tallies.execute(_MAKE, [(order_id,) for order_id in wanted])
    rows = OrderFact.objects.filter(order_id__in=wanted).order_by("order_id")
    return {fact.order_id: fact for fact in rows.select_for_update(no_key=True)}


def _merge(observation: Observation, fact: OrderFact) -> Iterator[str]:
    """Merge one observation into its order's fact; yield the columns that changed."""
    column = observation.step.column
    known: datetime | None = getattr(fact, column)
    if known is None or observation.at < known:
        setattr(fact, column, observation.at)
        yield column
    if observation.total:
        fact.total, fact.currency = observation.total.amount, observation.total.currency
        yield from ("total", "currency")


def _save(facts: Collection[OrderFact], changed: Collection[str]) -> None:
    """Write only the columns that changed: mostly one of twenty."""
    columns = sorted(changed)
    statement = _SAVE.format(
        changes=", ".join(f"{column} = new.{column}" for column in columns),
        columns=", ".join(columns),
        arrays=", ".join(f"%b::{_TYPES.get(column, 'timestamptz')}[]" for column in columns),
    )
    rows = [(fact.order_id, *(getattr(fact, column) for column in columns)) for fact in facts]
    tallies.execute(statement, rows if columns else [])


def _count(fact: OrderFact, daily: tallies.Daily, sign: int) -> None:
    """Add an order to the days of its steps; it counts nowhere until its currency is known."""
    if not fact.currency:
        return
    for step, column in COUNTED.items():
        if at := getattr(fact, step.column):
            daily[_day(at), fact.currency, column] += sign


def _count_money(observations: Sequence[Observation], daily: tallies.Daily) -> None:
    for observation in observations:
        day = _day(observation.at)
        if money := observation.captured:
            daily[day, money.currency, "revenue_captured"] += money.amount
        if money := observation.refunded:
            daily[day, money.currency, "revenue_refunded"] += money.amount


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()

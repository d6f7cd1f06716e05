"""Stored orders as snapshots of their histories: the order as of an event, and what differs from the events.

The log is the truth about an order. Its row is what the events make of it, kept so that nobody has to read
them; ``manage.py rebuild_orders`` and the audit hold it to them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from uuid import UUID

from orders import history
from orders.errors import NoSuchEvent
from orders.events import Customer, OrderCreated
from orders.history import State, Step
from orders.models import Order
from orders.states import Status
from shop.messaging.consuming import consumers
from shop.messaging.event_log import LoggedEvent, events_until, known_events, types_of, with_edited_copies
from shop.privacy.errors import PrivacyError
from shop.privacy.sealing import open_sealed

#: Orders that are compared at once.
CHUNK = 500
#: Highest number that an event of an order could have.
MAX_SEQUENCE = 2_147_483_647
_EDITED = "an operator replaced one of its events by an edited copy, which is not in the log"
#: Columns whose values are told: neither personal nor long.
_SAID = frozenset(
    {*State._fields, "number", "customer_id", "total", "currency", "retry_payment"} - {"attention_note"}
)


@dataclass(frozen=True, slots=True)
class Drift:
    """Differences between an order and its history."""

    order_id: UUID
    number: str
    #: Column, ``number`` or ``lines`` -> what is stored, and what the events say.
    differences: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    #: Reason for which its history is not known; empty if it is.
    unknown: str = ""

    @property
    def texts(self) -> list[str]:
        """The differences in words, without personal facts."""
        return [_text(name, *values) for name, values in self.differences.items()]


def as_of(order: Order, sequence: int) -> Order:
    """Take an order back, in memory, to what it was after its event with this number; 1 is OrderCreated.

    Raises:
        NoSuchEvent: it has no event with this number.
    """
    events = events_until(order.pk, sequence, consumers=_own_consumers())
    if events is None:
        raise NoSuchEvent(number=order.number, sequence=sequence)
    state, order.changed_at = State(), order.placed_at
    for event in events:
        before, state = state, history.step_of(event)(state)
        if state != before and not state.status == before.status == Status.PLACED:
            order.changed_at = event.meta.time
    note = "" if order.is_erased else state.attention_note or ""
    for name, value in state._replace(attention_note=note)._asdict().items():
        setattr(order, name, value)
    return order


def drifts(orders: Collection[Order]) -> list[Drift]:
    """Compare orders, read with their lines, with the events that orders has published and consumed.

    Returned are those that differ, and those whose history is not known.
    """
    known, edited = _events_of([order.pk for order in orders])
    created = {pk: first for pk, events in known.items() if (first := _created(events))}
    customers = _customers(list(created.values()))
    found = [
        _drift(order, created[order.pk], known[order.pk], customers.get(order.pk))
        if order.pk in created
        else Drift(order.pk, order.number, unknown="the log does not have its OrderCreated")
        for order in orders
    ]
    return [
        replace(drift, unknown=_EDITED) if drift.order_id in edited else drift
        for drift in found
        if drift.differences or drift.unknown
    ]


def all_drifts() -> Iterator[Drift]:
    """Compare all orders, oldest first, a chunk at a time; see drifts()."""
    orders = Order.objects.order_by("pk").prefetch_related("lines").iterator(chunk_size=CHUNK)
    while chunk := list(islice(orders, CHUNK)):
        yield from drifts(chunk)


def _events_of(order_ids: Collection[UUID]) -> tuple[dict[UUID, list[LoggedEvent]], set[UUID]]:
    own = [event for event in history.event_classes() if event.app == "orders"]
    known = known_events(order_ids, published=types_of(*own), consumed_by=_own_consumers())
    return known, with_edited_copies(order_ids, consumers=_own_consumers())


def _own_consumers() -> list[str]:
    return [consumer.name for consumer in consumers() if consumer.app == "orders"]


def _customers(created: Sequence[OrderCreated]) -> dict[UUID, Customer]:
    """Open the personal facts; left out are orders whose facts are erased, or cannot be opened."""
    try:
        opened = open_sealed(created, Customer)
    except PrivacyError:
        if len(created) == 1:
            return {}
        return {order_id: found for one in created for order_id, found in _customers([one]).items()}
    found = zip(created, opened, strict=True)
    return {event.order_id: customer for event, customer in found if customer != Customer.erased()}


def _created(events: Sequence[LoggedEvent]) -> OrderCreated | None:
    first = events[0].parsed() if events and events[0].kind is OrderCreated else None
    return first if isinstance(first, OrderCreated) else None


def _step_of(event: LoggedEvent) -> Step:
    return history.step_of_kind(event.kind) or history.step_of(event.parsed())


def _drift(
    order: Order, created: OrderCreated, events: Sequence[LoggedEvent], customer: Customer | None
) -> Drift:
    expected = _facts(created) | history.fold(map(_step_of, events))._asdict()
    stored = _facts_of(order) | order.state._asdict()
    if customer and not order.is_erased:
        expected |= _personal_facts(customer)
        stored |= _personal_facts(order.personal)
    different = {
        name: (stored[name], value)
        for name, value in expected.items()
        if value is not None and stored[name] != value
    }
    return Drift(order.pk, order.number, different)


def _facts(created: OrderCreated) -> dict[str, Any]:
    lines = [(x.sku, x.name, x.quantity, x.unit_price.amount, x.unit_price.currency) for x in created.lines]
    return {
        "number": created.number,
        "customer_id": created.customer_id,
        "total": created.total.amount,
        "currency": created.total.currency,
        "retry_payment": created.retry_payment,
        "lines": sorted(lines),
    }


def _facts_of(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "customer_id": order.customer_id,
        "total": order.total,
        "currency": order.currency,
        "retry_payment": order.retry_payment,
        "lines": sorted((x.sku, x.name, x.quantity, x.unit_price, x.currency) for x in order.lines.all()),
    }


def _personal_facts(customer: Customer) -> dict[str, Any]:
    address = {f"ship_{name}": value for name, value in customer.ship_to.model_dump().items()}
    return {"customer_name": customer.customer_name, "customer_email": customer.customer_email, **address}


def _text(name: str, stored: Any, expected: Any) -> str:
    if name in _SAID:
        return f"{name} is {str(stored)!r}, and {str(expected)!r} by its events"
    return f"{name} {'are' if name == 'lines' else 'is'} not as in its events"

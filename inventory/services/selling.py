"""Stock of orders: reserved when they are placed, taken once they are paid, put back if they are stopped.

Every order of arrival of the events ends right: an order that was stopped before its OrderCreated came has a
tombstone, and takes nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from inventory import repository
from inventory.events import (
    InventoryAwaited,
    InventoryRejected,
    InventoryReleased,
    InventoryReserved,
    InventoryRestocked,
    InventoryUpdated,
    Shortage,
    StockLine,
)
from inventory.models import OrderStock
from inventory.shelf import Shelf
from shop.messaging.contracts import Event
from shop.messaging.errors import TooEarly
from shop.messaging.publishing import publish, unit_of_work

State = OrderStock.State


@unit_of_work()
def reserve_stock(*, lines: Mapping[UUID, Iterable[tuple[str, int]]]) -> list[OrderStock]:
    """Reserve all lines of each new order, as (SKU, quantity), or none of that order; older orders first.

    Publishes InventoryReserved or InventoryRejected. An order waits if all that is short of it can be ordered
    ahead. A known order stays as it is.
    """
    new = repository.add_new([_reserving(order_id, wanted) for order_id, wanted in lines.items()])
    shelf = repository.lock_shelf(new)
    unserved = [order for order in new if not _reserve(order, shelf, otherwise=State.SHORT)]
    return _store_and_publish(new, shelf, changed=unserved)


@unit_of_work()
def deduct_stock(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Take what is reserved for paid orders from the stock.

    Publishes InventoryUpdated, or InventoryAwaited for an order that waits for goods. Skips orders that are
    rejected, taken or stopped. An order from before orders were reserved is reserved now: it may be rejected,
    with InventoryRejected.

    Raises:
        TooEarly: an order is not known yet.
    """
    orders = [order for order in repository.lock(order_ids) if order.is_payable]
    shelf = repository.lock_shelf(orders)
    for order in orders:
        if order.state == State.RESERVED or _reserve(order, shelf, otherwise=State.AWAITING):
            order.move_to(State.DEDUCTED)
            shelf.take(order)
    return _store_and_publish(orders, shelf)


@unit_of_work()
def serve_waiting_orders() -> list[OrderStock]:
    """Serve the orders that wait from what is available: the oldest first, each in full or not at all.

    Publishes InventoryUpdated for those that are paid, and InventoryReserved for the others.
    """
    servable = repository.lock_servable()
    shelf = repository.lock_shelf(servable)
    return _store_and_publish([order for order in servable if _serve(order, shelf)], shelf)


@unit_of_work()
def restock(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Put the deducted stock of orders back, once, and publish InventoryRestocked.

    Raises:
        TooEarly: the stock of an order is not taken yet.
    """
    orders = repository.lock(order_ids)
    if early := [str(order.order_id) for order in orders if order.is_undecided]:
        raise TooEarly(f"inventory has not decided yet about order {', '.join(early)}")
    deducted = [order for order in orders if order.state == State.DEDUCTED]
    return _undo(deducted)


@unit_of_work()
def stop_orders(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Restock each deducted order and release the others. An unknown order is released in advance.

    Publishes InventoryRestocked or InventoryReleased, once for each order.
    """
    orders = repository.lock_or_add(order_ids)
    return _undo([order for order in orders if order.state not in (State.RESTOCKED, State.RELEASED)])


@unit_of_work()
def release_settled(*, order_ids: Collection[UUID]) -> list[OrderStock]:
    """Release what is still reserved for orders that an operator ended; what is taken stays taken."""
    return _undo([order for order in repository.lock(order_ids) if order.is_undecided])


def _reserving(order_id: UUID, lines: Iterable[tuple[str, int]]) -> OrderStock:
    """Make an order that is reserved unless the stock cannot serve it: most are written once."""
    return OrderStock(order_id=order_id, lines=_as_json(lines), state=State.RESERVED)


def _reserve(order: OrderStock, shelf: Shelf, *, otherwise: State) -> bool:
    """Hold what an order wants. If that is short, it waits in the other state, or is rejected."""
    shortages = shelf.shortages(order)
    if shortages:
        order.shortages = [shortage.model_dump() for shortage in shortages]
        order.move_to(otherwise if shelf.can_wait(shortages) else State.REJECTED)
    else:
        shelf.reserve(order)
    return not shortages


def _serve(order: OrderStock, shelf: Shelf) -> bool:
    """Serve an order that waits, unless older ones have left too little: reserve it, and take it if paid."""
    if shelf.shortages(order):
        return False
    shelf.reserve(order)
    order.shortages = []
    if order.state == State.AWAITING:
        shelf.take(order)
        order.move_to(State.DEDUCTED)
    else:
        order.move_to(State.RESERVED)
    return True


def _undo(orders: list[OrderStock]) -> list[OrderStock]:
    """Put back what is taken, and release what is not."""
    shelf = repository.lock_shelf(order for order in orders if order.holds_stock)
    for order in orders:
        if order.state == State.DEDUCTED:
            shelf.put_back(order)
            order.move_to(State.RESTOCKED)
        else:
            if order.state == State.RESERVED:
                shelf.release(order)
            order.move_to(State.RELEASED)
    return _store_and_publish(orders, shelf)


def _store_and_publish(
    orders: list[OrderStock], shelf: Shelf, *, changed: list[OrderStock] | None = None
) -> list[OrderStock]:
    """Publish the outcome of orders; store them, or only those that ``changed`` since they were stored."""
    repository.store(orders if changed is None else changed, shelf)
    for order in orders:
        if order.state != State.SHORT:  # its payment comes first
            publish(_outcome(order))
    return orders


def _outcome(order: OrderStock) -> Event:
    if order.state == State.RESERVED:
        return InventoryReserved(order_id=order.order_id, lines=order.stock_lines)
    if order.state == State.DEDUCTED:
        return InventoryUpdated(order_id=order.order_id, lines=order.stock_lines)
    if order.state == State.RESTOCKED:
        return InventoryRestocked(order_id=order.order_id, lines=order.stock_lines)
    if order.state == State.RELEASED:
        return InventoryReleased(order_id=order.order_id)
    shortages = tuple(Shortage(**shortage) for shortage in order.shortages)
    if order.state == State.AWAITING:
        return InventoryAwaited(order_id=order.order_id, shortages=shortages)
    return InventoryRejected(order_id=order.order_id, shortages=shortages)


def _as_json(lines: Iterable[tuple[str, int]]) -> list[dict[str, object]]:
    wanted: Counter[str] = Counter()
    for sku, quantity in lines:
        wanted[sku] += quantity
    return [StockLine(sku=sku, quantity=quantity).model_dump() for sku, quantity in wanted.items()]

"""Facts of orders that other contexts know: orders by a tracking number or a SKU, and tracking numbers."""

from collections.abc import Callable, Collection, Iterable
from uuid import UUID

#: Orders that a context finds at most.
MAX_FOUND = 100
#: Finds the ids of orders by a term.
Finder = Callable[[str], Iterable[UUID]]
_finders: list[Finder] = []


def finder(find: Finder) -> Finder:
    """Have the search for orders ask a function of a context, too."""
    _finders.append(find)
    return find


def found_orders(term: str) -> set[UUID]:
    """Return the ids of the orders that the contexts find."""
    return {order_id for find in _finders for order_id in find(term)}


#: Returns a text about each of some orders, such as its number.
Naming = Callable[[Collection[UUID]], dict[UUID, str]]
_naming: dict[str, Naming] = {}


def names(what: str) -> Callable[[Naming], Naming]:
    """Have lists ask a function of a context for a text about orders, as in ``names("number")``."""

    def register(naming: Naming) -> Naming:
        _naming[what] = naming
        return naming

    return register


def named(what: str, order_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the texts about some orders, in one query; nothing if no context knows any."""
    naming = _naming.get(what)
    return naming(order_ids) if naming and order_ids else {}

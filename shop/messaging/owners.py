"""Owners of aggregates: the customers whose orders and the like events are about.

The app that knows says so, with :func:`register_owners`. So a reader of the log need not know the app.
"""

from collections.abc import Callable, Collection
from uuid import UUID

OwnersOf = Callable[[Collection[UUID]], dict[UUID, int]]
OwnedBy = Callable[[int], list[UUID]]

_registered: list[tuple[OwnersOf, OwnedBy]] = []


def register_owners(owners: OwnersOf, owned: OwnedBy) -> None:
    """Register a query for the owners of aggregates, by their ids, and one for what a customer owns."""
    if (owners, owned) not in _registered:
        _registered.append((owners, owned))


def owners_of(aggregate_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the owners of those aggregates that have one."""
    return {id_: owner for owners, _ in _registered for id_, owner in owners(aggregate_ids).items()}


def owned_by(customer_id: int) -> list[UUID]:
    """Return the ids of all aggregates that a customer owns."""
    return [aggregate_id for _, owned in _registered for aggregate_id in owned(customer_id)]

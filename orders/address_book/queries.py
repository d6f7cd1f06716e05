"""Queries of the address book: plain data, for pages."""

from dataclasses import dataclass
from uuid import UUID

from orders.events import Address
from orders.models import SavedAddress


@dataclass(frozen=True, slots=True)
class Saved:
    """An address of a customer's address book."""

    id: UUID
    address: Address
    is_default: bool


def addresses_of(customer_id: int) -> list[Saved]:
    """Return the addresses of a customer, the default one first."""
    rows = SavedAddress.objects.filter(customer_id=customer_id).order_by("-is_default", "pk")
    return [Saved(row.pk, row.address, row.is_default) for row in rows]

"""Changes of a customer's address book. No event says them: orders have copies of their addresses."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from orders.errors import AddressBookFull, UnknownAddress
from orders.events import Address
from orders.intake import check_address
from orders.models import SavedAddress

#: The most addresses of a customer.
MOST_ADDRESSES = 20


@transaction.atomic
def save_address(*, customer_id: int, address: Address, address_id: UUID | None = None) -> UUID:
    """Add an address, or change one; return its id. The first one is the default; an equal one stays alone.

    Raises:
        InvalidOrder: with every problem of the address.
        AddressBookFull, UnknownAddress: it cannot be saved.
    """
    check_address(address)
    mine = _locked(customer_id)
    values = address.model_dump()
    if address_id:
        if not mine.filter(pk=address_id).update(**values):
            raise UnknownAddress
        return address_id
    if same := mine.filter(**values).first():
        return same.pk
    number = mine.count()
    if number >= MOST_ADDRESSES:
        raise AddressBookFull
    return SavedAddress.objects.create(customer_id=customer_id, is_default=number == 0, **values).pk


@transaction.atomic
def make_default(*, customer_id: int, address_id: UUID) -> None:
    """Make an address the default one; nothing happens if there is none with this id."""
    mine = _locked(customer_id)
    if mine.filter(pk=address_id).exists():
        mine.filter(is_default=True).update(is_default=False)
        mine.filter(pk=address_id).update(is_default=True)


@transaction.atomic
def remove_address(*, customer_id: int, address_id: UUID) -> None:
    """Remove an address. The oldest of the others becomes the default one, if it was that."""
    mine = _locked(customer_id)
    mine.filter(pk=address_id).delete()
    oldest = mine.order_by("pk").first()
    if oldest and not mine.filter(is_default=True).exists():
        mine.filter(pk=oldest.pk).update(is_default=True)


def _locked(customer_id: int) -> QuerySet[SavedAddress]:
    """Return the addresses of a customer, whom other changes wait for."""
    User.objects.select_for_update(no_key=True).get(pk=customer_id)
    return SavedAddress.objects.filter(customer_id=customer_id)

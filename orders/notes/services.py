"""Writing of notes on orders, and tagging. No event says it, and no log: the texts are for staff alone."""

from uuid import UUID

from django.db import transaction

from orders.errors import OrderErased, TooManyTags, UnknownOrder, UnknownTag
from orders.models import Order, OrderNote, OrderTag

#: Tags that an order may have.
MOST_TAGS = 10


@transaction.atomic
def add_note(*, order_id: UUID, text: str, by: str) -> OrderNote:
    """Write a note on an order.

    Raises:
        OrderErased: it might be about the customer.
    """
    order = _locked(order_id)
    return OrderNote.objects.create(order=order, text=text, by=by)


@transaction.atomic
def add_tag(*, order_id: UUID, name: str) -> OrderTag:
    """Tag an order; a tag that it has already stays.

    Raises:
        OrderErased, TooManyTags: it takes no more.
    """
    order, name = _locked(order_id), as_tag(name)
    names = {tag.name for tag in order.tags.all()}
    if name not in names and len(names) >= MOST_TAGS:
        raise TooManyTags(number=order.number, most=MOST_TAGS)
    return OrderTag.objects.get_or_create(order=order, name=name)[0]


def remove_tag(*, order: Order, name: str) -> None:
    """Take a tag away.

    Raises:
        UnknownTag: the order does not have it.
    """
    number, _ = OrderTag.objects.filter(order=order, name=as_tag(name)).delete()
    if not number:
        raise UnknownTag(number=order.number, name=name)


def as_tag(text: str) -> str:
    """Return a tag as it is stored: in lower case, with single spaces."""
    return " ".join(text.casefold().split())


def _locked(order_id: UUID) -> Order:
    """Return the order, locked: an erasure at the same time erases what is written now."""
    order = Order.objects.select_for_update(no_key=True).filter(pk=order_id).first()
    if order is None:
        raise UnknownOrder(order=order_id)
    if order.is_erased:
        raise OrderErased(number=order.number)
    return order

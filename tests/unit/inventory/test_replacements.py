"""Goods of orders that are sent again: what is reserved for others is not taken for them."""

import pytest

from inventory import services
from inventory.replacements import put_replacement_back, take_replacement
from shop.ids import uuid7

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(teapot, wants):
    """Two teapots of five are sold."""
    order_id = wants(TEAPOT=2)
    services.deduct_stock(order_ids=[order_id])
    return order_id


def test_a_replacement_is_taken_from_what_is_available(sold, wants, available, reserved, balanced, published):
    wants(TEAPOT=1)
    take_replacement(order_id=sold, shipment_id=uuid7(), number="ORD-1")
    assert (available("TEAPOT"), reserved("TEAPOT")) == (0, 1)
    assert published(sold)[-1] == "ReplacementTaken"
    assert balanced()


def test_a_replacement_does_not_take_what_is_reserved_for_others(
    sold, wants, available, reserved, balanced, published
):
    wants(TEAPOT=2)
    take_replacement(order_id=sold, shipment_id=uuid7(), number="ORD-1")
    assert (available("TEAPOT"), reserved("TEAPOT")) == (1, 2)
    assert published(sold)[-1] == "ReplacementRejected"
    assert balanced()


def test_a_replacement_that_never_left_can_be_sold_again(sold, wants, available, reserved, balanced):
    wants(TEAPOT=1)
    take_replacement(order_id=sold, shipment_id=uuid7(), number="ORD-1")
    put_replacement_back(order_id=sold)
    assert (available("TEAPOT"), reserved("TEAPOT")) == (2, 1)
    assert balanced()

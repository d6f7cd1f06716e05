"""The age of what waits in each queue, and the relays with their shards: read without any help of theirs."""

import pytest

from shop.messaging.consuming import circuit_breaker, pauses
from shop.messaging.operations.ages import Ages
from shop.messaging.operations.relays import relays, unheld_shards
from shop.messaging.outbox.shards import SHARDS
from shop.messaging.relay import relay
from shop.messaging.relay.shards import Shards
from tests.support.inprocess import deliver_all

CHARGES = "payments.when_order_created_charge_customer"


@pytest.mark.django_db
def test_the_oldest_event_that_a_queue_waits_with_is_told_also_if_it_is_held(shop):
    pauses.pause(CHARGES, by="olga", reason="a test")
    circuit_breaker.local_state.refresh()
    shop.place()
    deliver_all()
    found = Ages().oldest()
    assert found["payments.events"] > 0
    assert found["analytics.events"] == 0


@pytest.mark.django_db
def test_the_answer_is_kept_for_a_while(shop):
    ages = Ages()
    assert set(ages.oldest().values()) == {0}
    shop.place()
    assert set(ages.oldest().values()) == {0}
    ages._read_at = float("-inf")
    assert ages.oldest()["payments.events"] > 0


@pytest.mark.django_db(transaction=True)
def test_each_relay_is_named_with_its_shards():
    with relay.connect() as first:
        shards = Shards(first)
        (alone,) = relays()
        assert alone.shards == ()
        assert unheld_shards([alone]) == list(range(SHARDS))
        shards.rebalance()
        with relay.connect() as second:
            Shards(second).rebalance()
            found = relays()
    assert {one.shards for one in found} == {tuple(range(SHARDS)), ()}
    assert all(one.name.startswith("relay ") for one in found)
    assert unheld_shards(found) == []
    assert unheld_shards([]) == list(range(SHARDS))

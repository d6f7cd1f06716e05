"""What is acknowledged together is exactly what was meant."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.messaging.bus.acknowledger import OpenTags, acknowledger_for


def open_tags(count):
    tags = OpenTags()
    for tag in range(1, count + 1):
        tags.add(tag)
    return tags


@pytest.mark.parametrize(
    ("settled", "told"),
    [
        ([1, 2, 3], [(3, True)]),
        ([3, 1, 2], [(3, True)]),
        ([2, 3], [(2, False), (3, False)]),
        ([1, 2, 4], [(2, True), (4, False)]),
        ([1, 2, 3, 4, 5], [(5, True)]),
    ],
)
def test_the_oldest_are_acknowledged_at_once_and_others_one_by_one(settled, told):
    assert list(open_tags(5).settle(settled)) == told


def test_what_was_settled_before_is_in_nobodys_way():
    tags = open_tags(5)
    list(tags.settle([2, 3]))
    assert list(tags.settle([1, 4])) == [(4, True)]


def test_what_was_rejected_is_in_nobodys_way():
    tags = open_tags(3)
    tags.discard(1)
    assert list(tags.settle([2])) == [(2, True)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), max_size=20), st.integers(0, 30))
def test_nothing_is_acknowledged_that_was_not_meant(sizes, seed):
    """A broker that counts along: whatever the batches, what is open there is what is open here."""
    order = list(range(1, 31))
    order = order[seed:] + order[:seed]
    tags, at_the_broker, settled = open_tags(30), set(range(1, 31)), set()
    for size in sizes:
        batch, order = order[:size], order[size:]
        settled.update(batch)
        for tag, multiple in tags.settle(batch):
            at_the_broker -= {open_ for open_ in at_the_broker if open_ <= tag} if multiple else {tag}
        assert at_the_broker == set(range(1, 31)) - settled


class Message:
    """A delivery of a broker that knows no AMQP."""

    channel, delivery_tag = "channel", 1

    def __init__(self, error=None):
        self.error, self.acknowledged = error, False

    def ack(self):
        if self.error:
            raise self.error
        self.acknowledged = True


def test_over_any_transport_each_is_acknowledged():
    acknowledger = acknowledger_for(SimpleNamespace(transport=SimpleNamespace(driver_type="sql")), (OSError,))
    messages = [Message(), Message(OSError("lost")), Message()]
    for message in messages:
        acknowledger.note(message)
    acknowledger.acknowledge(messages)
    assert [message.acknowledged for message in messages] == [True, False, True]

"""Acknowledgement of batches: exactly the given deliveries, in as few frames as possible."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.messaging.bus.acknowledger import UnackedTags, acknowledger_for


def unacked_tags(count):
    tags = UnackedTags()
    for tag in range(1, count + 1):
        tags.add(tag)
    return tags


@pytest.mark.parametrize(
    ("acknowledged", "frames"),
    [
        ([1, 2, 3], [(3, True)]),
        ([3, 1, 2], [(3, True)]),
        ([2, 3], [(2, False), (3, False)]),
        ([1, 2, 4], [(2, True), (4, False)]),
        ([1, 2, 3, 4, 5], [(5, True)]),
    ],
)
def test_the_oldest_are_acknowledged_at_once_and_others_one_by_one(acknowledged, frames):
    assert list(unacked_tags(5).acknowledge(acknowledged)) == frames


def test_what_was_settled_before_is_in_nobodys_way():
    tags = unacked_tags(5)
    list(tags.acknowledge([2, 3]))
    assert list(tags.acknowledge([1, 4])) == [(4, True)]


def test_what_was_rejected_is_in_nobodys_way():
    tags = unacked_tags(3)
    tags.discard(1)
    assert list(tags.acknowledge([2])) == [(2, True)]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), max_size=20), st.integers(0, 30))
def test_nothing_is_acknowledged_that_was_not_meant(sizes, seed):
    """Compare with a broker's bookkeeping, for arbitrary batches."""
    order = list(range(1, 31))
    order = order[seed:] + order[:seed]
    tags, at_the_broker, acknowledged = unacked_tags(30), set(range(1, 31)), set()
    for size in sizes:
        batch, order = order[:size], order[size:]
        acknowledged.update(batch)
        for tag, multiple in tags.acknowledge(batch):
            at_the_broker -= {unacked for unacked in at_the_broker if unacked <= tag} if multiple else {tag}
        assert at_the_broker == set(range(1, 31)) - acknowledged


class Message:
    """A delivery over a transport other than AMQP."""

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

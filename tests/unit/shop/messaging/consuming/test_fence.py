"""Messages of the time that a restore has lost take no effect."""

from datetime import UTC, datetime, timedelta

import pytest

from orders.events import OrderDeadlinePassed
from shop.ids import uuid7, uuid7_at
from shop.messaging.consuming import fence, runner
from shop.messaging.contracts import Event
from shop.messaging.errors import LostByRestore
from shop.messaging.models import DeadLetter, Restore
from tests.contracts.probe.events import ProbeSent
from tests.unit.shop.messaging.consuming.test_unsigned import Receiver, body_of
from tests.unit.shop.messaging.support import published

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the database a moment ago, and have this process read the fence."""
    Restore.objects.create(identity="x", is_restore=True, by="a test", opened_at=datetime.now(UTC))
    monkeypatch.setattr(fence.local_fence, "limit", None)


def lost(**changes: object) -> dict:
    """Return the body of an event that the log does not have."""
    [event] = published()
    return {**body_of(event), "id": str(uuid7()), **changes}


def letters() -> list[tuple[str, str]]:
    return list(DeadLetter.objects.order_by("pk").values_list("cause", "status"))


def test_an_event_that_the_log_has_is_consumed():
    events, receiver = published(3), Receiver()
    receiver.receive(*map(body_of, events))
    assert receiver.taken == events
    assert letters() == []


def test_an_event_that_the_log_lacks_is_refused_and_the_others_of_its_batch_are_consumed():
    events, receiver = published(2), Receiver()
    body = lost()
    receiver.receive(body_of(events[0]), body, body_of(events[1]))
    assert receiver.taken == events
    [letter] = DeadLetter.objects.all()
    assert (letter.cause, letter.status, letter.error) == ("lost", "open", LostByRestore.__doc__)
    assert str(letter.event_id) == body["id"]
    assert str(letter.aggregate_id) == body["subject"]


def test_what_another_event_caused_is_closed_at_once():
    receiver, body = Receiver(), lost(causationid=str(uuid7()))
    receiver.receive(body)
    receiver.receive(body)  # as after a redelivery
    assert receiver.taken == []
    assert letters() == [("lost", "discarded")]


def test_a_refused_event_that_is_replayed_is_refused_again():
    receiver, body = Receiver(), lost()
    receiver.receive(body)
    DeadLetter.objects.update(status="replayed")
    receiver.receive(body)
    assert receiver.taken == []
    assert letters() == [("lost", "replayed"), ("lost", "open")]


def test_an_event_from_after_the_opening_is_not_looked_up(django_assert_num_queries):
    later = uuid7_at(datetime.now(UTC) + fence.MARGIN + timedelta(minutes=1))
    receiver = Receiver()
    receiver.receive(lost(id=str(later)))
    assert len(receiver.taken) == 1


def test_a_shop_that_was_never_restored_looks_nothing_up(django_assert_num_queries):
    Restore.objects.all().delete()
    deliveries = [(lost(), {})]
    receiver = Receiver()
    fence.refuse_lost(receiver.consumer, deliveries)
    with django_assert_num_queries(0):
        assert fence.refuse_lost(receiver.consumer, deliveries) == deliveries


def timer(order_id: object) -> Event:
    return OrderDeadlinePassed(order_id=order_id, step="payment").with_meta(published()[0].meta)


def test_a_timer_of_an_order_that_the_log_lacks_is_refused():
    receiver = Receiver(OrderDeadlinePassed)
    [known] = published()
    receiver.receive(body_of(timer(uuid7())))
    assert (receiver.taken, letters()) == ([], [("lost", "open")])
    runner.run(receiver.consumer, [body_of(timer(known.aggregate_id))], [{}])
    assert len(receiver.taken) == 1


def test_an_edited_copy_is_no_lost_event():
    [event], receiver = published(), Receiver()
    copy = uuid7()
    letter = DeadLetter.objects.create(cause="failed", body="{}", error="", error_type="", status="replaced")
    letter.actions.create(action="edit", by="olga", copy_id=copy)
    receiver.receive({**body_of(event), "id": str(copy)})
    assert [type(taken) for taken in receiver.taken] == [ProbeSent]

"""Events taken up for endpoints: which, in which version and order, and again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations import resending, services, taker
from integrations.errors import InvalidEndpoint, TooManyEndpoints, WrongState
from integrations.models import Delivery, Endpoint, TakenUp
from integrations.receivers import encrypt_secrets_again
from integrations.requests import bodies_of
from integrations.secrets import open_sealed
from integrations.tasks import prune_deliveries
from orders.events import OrderCreated, OrderedLine
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.models import EventRecord
from tests.support.inprocess import deliver_all
from tests.unit.integrations.happenings import CANCELLED, cancelled, happened, resumed, take_up_all

pytestmark = pytest.mark.django_db


def take_up_and_close() -> None:
    try:
        take_up_all()
    finally:
        connection.close()


def sent() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("type", flat=True))


def test_an_endpoint_gets_what_it_chose_and_once(endpoint):
    endpoint("/a", CANCELLED)
    event = cancelled()
    resumed(uuid7())
    take_up_all()
    assert sent() == [CANCELLED]
    assert Delivery.objects.get().event_id == event.meta.id


def test_what_happened_before_an_endpoint_was_made_is_not_sent(endpoint):
    cancelled(taken_up=False)
    endpoint()
    take_up_all()
    assert not sent()


def test_a_second_endpoint_gets_of_an_order_what_happens_from_then_on(endpoint):
    endpoint("/a")
    order_id = uuid7()
    first = cancelled(order_id)
    later = endpoint("/b")
    second = resumed(order_id)
    got = Delivery.objects.filter(endpoint=later).values_list("event_id", flat=True)
    assert list(got) == [second.meta.id]
    assert Delivery.objects.filter(event_id=first.meta.id).count() == 1


def test_all_parts_are_taken_up_in_the_order_of_the_log(endpoint, monkeypatch):
    monkeypatch.setattr(taker, "PART", 2)
    endpoint()
    events = [cancelled(taken_up=False).meta.id for _ in range(5)]
    take_up_all()
    assert list(Delivery.objects.order_by("pk").values_list("event_id", flat=True)) == events


def test_while_another_worker_is_at_it_nothing_is_taken_up(endpoint, transactional_db):
    endpoint()
    cancelled(taken_up=False)
    with transaction.atomic(), ThreadPoolExecutor(1) as other:
        TakenUp.objects.select_for_update().get()
        other.submit(take_up_and_close).result()
        assert not sent()
    take_up_all()
    assert sent() == [CANCELLED]


def test_without_endpoints_events_are_passed_over_unread():
    cancelled(taken_up=False)
    with CaptureQueriesContext(connection) as queries:
        take_up_all()
    assert not [query for query in queries if '"messaging_eventrecord"."type"' in query["sql"]]
    assert TakenUp.objects.get().position == EventRecord.objects.latest("position").position


def test_a_paused_endpoint_collects_nothing_and_gets_it_from_the_log_when_resumed(endpoint):
    made = endpoint()
    since = timezone.now()
    services.pause_endpoint(endpoint_id=made.pk, by="olga")
    missed = [cancelled().meta.id for _ in range(3)]
    assert not sent()
    services.resume_endpoint(endpoint_id=made.pk)
    resending.send_again(endpoint_id=made.pk, since=since)
    deliver_all()
    assert list(Delivery.objects.order_by("pk").values_list("event_id", flat=True)) == missed


def test_a_range_is_taken_up_part_by_part_without_what_is_outside(endpoint, monkeypatch):
    monkeypatch.setattr(resending, "PART", 2)
    made = endpoint("/a", CANCELLED)
    events = [cancelled() for _ in range(5)]
    Delivery.objects.update(state="delivered", finished_at=timezone.now(), attempts=3)
    until = timezone.now() + timedelta(milliseconds=2)
    while timezone.now() < until:
        pass
    late = cancelled()
    Delivery.objects.filter(event_id=late.meta.id).update(state="failed")
    resending.send_again(endpoint_id=made.pk, since=events[0].meta.time, until=until)
    deliver_all()
    pending = Delivery.objects.filter(state="pending")
    assert set(pending.values_list("event_id", flat=True)) == {event.meta.id for event in events}
    assert set(pending.values_list("attempts", flat=True)) == {0}


def test_what_is_on_its_way_is_not_sent_again(endpoint):
    endpoint()
    cancelled()
    with pytest.raises(WrongState):
        resending.send_one_again(delivery_id=Delivery.objects.get().pk)


def test_one_that_was_given_up_is_sent_again(endpoint):
    endpoint()
    cancelled()
    Delivery.objects.update(state="failed", attempts=9, finished_at=timezone.now())
    again = resending.send_one_again(delivery_id=Delivery.objects.get().pk)
    assert (again.state, again.attempts, again.finished_at) == ("pending", 0, None)


def test_personal_facts_leave_the_shop_sealed(endpoint):
    endpoint()
    lines = (OrderedLine(sku="MUG", name="Mug", quantity=1, unit_price=Money(amount="4.90", currency="EUR")),)
    order_id = uuid7()
    happened(
        OrderCreated(
            order_id=order_id, number="ORD-1", customer_id=1, lines=lines,
            total=Money(amount="4.90", currency="EUR"), subject_id=uuid7(),
            personal="c2VhbGVk", payment="c2VhbGVk",
        )
    )  # fmt: skip
    (body,) = bodies_of(list(Delivery.objects.all())).values()
    assert '"personal":"c2VhbGVk"' in body


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "https://", "https://user:pw@example.com/", "https://example.com/#x",
     "https://10.0.0.1/", "https://[::1]/", "example.com", "https://example.com:99999/"],
)  # fmt: skip
def test_an_address_that_cannot_be_right_is_refused(db, url):
    with pytest.raises(InvalidEndpoint) as refused:
        services.create_endpoint(url=url, event_types=["*"], contact="ops@example.com")
    assert refused.value.field == "url"


def test_plain_http_is_for_named_networks(db, settings):
    settings.SHOP_ENDPOINT_NETWORKS = []
    with pytest.raises(InvalidEndpoint):
        services.create_endpoint(url="http://example.com/", event_types=["*"], contact="ops@example.com")


def test_an_event_type_that_is_not_published_is_refused(db):
    with pytest.raises(InvalidEndpoint, match=r"orders\.OrderLost\.v1"):
        services.create_endpoint(
            url="https://example.com/", event_types=["orders.OrderLost.v1"], contact="ops@example.com"
        )


def test_there_are_only_so_many_endpoints(endpoint, monkeypatch):
    monkeypatch.setattr(services, "MAX_ENDPOINTS", 1)
    endpoint()
    with pytest.raises(TooManyEndpoints):
        endpoint()


def test_secrets_are_stored_encrypted_and_follow_the_keys_of_the_installation(endpoint, receiver, settings):
    made, secret = endpoint(), receiver.inboxes["/a"].secret
    assert secret.encode() not in bytes(made.secret)
    settings.SHOP_PRIVACY_KEYS = ["a new key", *settings.SHOP_PRIVACY_KEYS]
    encrypt_secrets_again()
    settings.SHOP_PRIVACY_KEYS = ["a new key"]
    assert open_sealed(Endpoint.objects.get().secret, made.pk) == secret


def test_old_deliveries_are_deleted_with_their_attempts_and_open_ones_stay(endpoint, settings):
    endpoint()
    cancelled(), cancelled()
    done = Delivery.objects.earliest("pk")
    Delivery.objects.filter(pk=done.pk).update(
        state="delivered", finished_at=timezone.now() - settings.SHOP_ENDPOINT_RETENTION - timedelta(hours=1)
    )
    assert prune_deliveries.apply().get() == {"pruned": 1}
    assert Delivery.objects.get().state == "pending"

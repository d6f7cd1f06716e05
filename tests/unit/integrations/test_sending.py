"""Deliveries by a running sender to a real receiver."""

import json
from datetime import timedelta

import pytest

from integrations import services
from integrations.models import Attempt, Delivery, Endpoint
from shop.ids import uuid7
from tests.support.waiting import eventually
from tests.unit.integrations.conftest import running
from tests.unit.integrations.happenings import CANCELLED, cancelled, resumed

pytestmark = pytest.mark.django_db(transaction=True)


def states() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("state", flat=True))


def test_an_event_arrives_signed_as_a_cloudevent_under_its_id(endpoint, receiver, sending):
    endpoint("/a")
    event = cancelled()
    eventually(lambda: receiver.inboxes["/a"].accepted)
    (seen,) = receiver.inboxes["/a"].seen
    assert (seen["id"], seen["type"], seen["subject"]) == (
        str(event.meta.id),
        CANCELLED,
        str(event.aggregate_id),
    )
    assert seen["data"]["number"] == "ORD-1042"
    assert receiver.inboxes["/a"].forged == 0
    eventually(lambda: states() == ["delivered"])
    attempt = Attempt.objects.get()
    assert (attempt.status, attempt.answer, attempt.headers["webhook-id"]) == (200, "thanks", seen["id"])


def test_after_a_failure_the_same_message_comes_again_under_the_same_id(endpoint, receiver, sending):
    made = endpoint("/a")
    receiver.inboxes["/a"].status = 500
    cancelled()
    eventually(lambda: len(receiver.inboxes["/a"].seen) >= 2)
    receiver.inboxes["/a"].status = 200
    eventually(lambda: states() == ["delivered"])
    first, *others = [json.dumps(seen) for seen in receiver.inboxes["/a"].seen]
    assert all(other == first for other in others)
    made.refresh_from_db()
    assert (made.failures, made.failing_since) == (0, None)
    assert set(Attempt.objects.values_list("status", flat=True)) == {500, 200}


def test_both_secrets_sign_while_one_replaces_the_other(endpoint, receiver, sending):
    made = endpoint("/a")
    _, new = services.rotate_secret(endpoint_id=made.pk)
    cancelled()
    eventually(lambda: receiver.inboxes["/a"].accepted)
    receiver.inboxes["/a"].secret = new
    cancelled()
    eventually(lambda: len(receiver.inboxes["/a"].accepted) == 2)
    Endpoint.objects.update(former_secret_ends_at="2026-01-01T00:00Z")
    cancelled()
    eventually(lambda: Attempt.objects.count() == 3)
    last = Attempt.objects.order_by("-pk").first()
    assert last
    assert len(last.headers["webhook-signature"].split()) == 1


def test_events_of_an_order_wait_for_the_one_before(endpoint, receiver, sending):
    endpoint("/a")
    receiver.inboxes["/a"].status = 500
    order_id = uuid7()
    first, second = cancelled(order_id), resumed(order_id)
    eventually(lambda: len(receiver.inboxes["/a"].seen) >= 2)
    assert {seen["id"] for seen in receiver.inboxes["/a"].seen} == {str(first.meta.id)}
    receiver.inboxes["/a"].status = 200
    eventually(lambda: states() == ["delivered"] * 2)
    assert list(receiver.inboxes["/a"].accepted) == [str(first.meta.id), str(second.meta.id)]


def test_an_endpoint_that_hangs_holds_up_no_other(endpoint, receiver, settings):
    settings.SHOP_ENDPOINT_THREADS, settings.SHOP_ENDPOINT_REQUESTS = 4, 2
    endpoint("/stuck"), endpoint("/well")
    receiver.inboxes["/stuck"].hangs = True
    with running():
        events = [cancelled() for _ in range(20)]
        eventually(lambda: len(receiver.inboxes["/well"].accepted) == len(events))
        assert receiver.inboxes["/stuck"].most <= 2
        receiver.inboxes["/stuck"].hangs = False
        eventually(lambda: len(receiver.inboxes["/stuck"].accepted) == len(events))


def test_an_answer_that_drips_in_without_an_end_is_cut_off(endpoint, receiver, settings):
    settings.SHOP_ENDPOINT_TIMEOUT = timedelta(seconds=0.5)
    endpoint("/drips")
    receiver.inboxes["/drips"].drips = True
    with running():
        cancelled()
        eventually(lambda: Attempt.objects.exists())
    assert Attempt.objects.earliest("pk").milliseconds < 5000


def test_a_redirect_is_not_followed(endpoint, receiver, sending):
    endpoint("/a")
    receiver.inboxes["/a"].status = 302
    receiver.inboxes["/a"].headers = {"Location": receiver.url("/b")}
    cancelled()
    eventually(lambda: Attempt.objects.exists())
    attempt = Attempt.objects.earliest("pk")
    assert (attempt.status, attempt.error) == (302, "answered 302")
    assert not receiver.inboxes["/b"].seen


def test_nothing_is_lost_while_the_receiver_is_away(endpoint, receiver, sending):
    endpoint("/a")
    with receiver.away():
        events = [cancelled() for _ in range(3)]
        eventually(lambda: Attempt.objects.filter(status=None).count() >= 3)
    eventually(lambda: len(receiver.inboxes["/a"].accepted) == len(events))


def test_an_address_that_is_not_named_is_not_connected_to(endpoint, receiver, settings, sending):
    endpoint("/a")
    settings.SHOP_ENDPOINT_NETWORKS = []
    cancelled()
    eventually(lambda: Attempt.objects.exists())
    assert "no public address" in Attempt.objects.earliest("pk").error
    assert not receiver.inboxes["/a"].seen


def test_a_sender_that_died_has_its_deliveries_sent_by_another(endpoint, receiver):
    endpoint("/a")
    cancelled()
    Delivery.objects.update(leased_until="2026-01-01T00:00Z")
    with running():
        eventually(lambda: states() == ["delivered"])


def test_410_stops_the_endpoint_and_gives_up_what_waits(endpoint, receiver, sending):
    made = endpoint("/a")
    receiver.inboxes["/a"].status = 410
    cancelled()
    eventually(lambda: Endpoint.objects.get(pk=made.pk).state == "gone")
    eventually(lambda: states() == ["failed"])

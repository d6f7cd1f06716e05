"""Webhooks of EasyPost: verified, stored once, and worked by asking for the present scans."""

import json

import pytest

from shipping.models import Shipment
from shop.messaging.models import OutboxEntry, ScheduledMessage
from shop.webhooks.models import ProviderNotice
from tests.support.easypost.signing import signature_of
from tests.support.inprocess import deliver_all

pytestmark = pytest.mark.django_db

SECRET = "wh_sécret"
URL = "/providers/easypost/webhook"


@pytest.fixture
def api(easypost_api, settings):
    settings.EASYPOST_WEBHOOK_SECRET = SECRET
    settings.SHOP_WEBHOOKS = {"easypost": "shipping.easypost.webhooks.endpoint"}
    return easypost_api


@pytest.fixture
def send(api, client):
    """Return a function that sends what EasyPost sends when a parcel was scanned."""

    def post(tracker, event_id="evt_1", *, kind="tracker.updated", secret=SECRET):
        event = {"id": event_id, "object": "Event", "description": kind, "mode": "test", "result": tracker}
        body = json.dumps(event).encode()
        headers = {"X-Hmac-Signature": signature_of(body, secret)}
        return client.post(URL, body, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def parcel(shipped):
    created = shipped()
    return Shipment.objects.get(order_id=created.order_id)


def work():
    """Deliver the reminders that the door has put into the outbox, to shipping alone."""
    deliver_all()


def test_a_scan_is_recorded_when_easypost_sends_word(api, send, parcel, said):
    tracker = api.account.scan(parcel.tracking_number, "in_transit")
    assert send(tracker).status_code == 200
    work()
    parcel.refresh_from_db()
    assert parcel.tracking_status == "in_transit"

    assert send(api.account.scan(parcel.tracking_number, "delivered"), "evt_2").status_code == 200
    work()
    assert said(parcel.order_id) == ["OrderShipped", "OrderDelivered"]
    assert not ProviderNotice.objects.filter(worked_at=None).exists()


def test_a_notice_that_comes_twice_is_worked_once(api, send, parcel):
    tracker = api.account.scan(parcel.tracking_number, "delivered")
    assert [send(tracker).status_code for _ in range(2)] == [200, 200]
    assert ProviderNotice.objects.count() == 1
    work()
    assert len(api.calls("POST /v2/trackers/batch")) == 1


def test_an_old_notice_that_comes_late_takes_nothing_back(api, send, parcel, said):
    old = dict(api.account.scan(parcel.tracking_number, "in_transit"))
    send(api.account.scan(parcel.tracking_number, "delivered"), "evt_2")
    work()
    send(old, "evt_1")
    work()
    parcel.refresh_from_db()
    assert parcel.state == "delivered"
    assert said(parcel.order_id) == ["OrderShipped", "OrderDelivered"]


def test_a_lie_in_the_body_changes_nothing(api, send, parcel):
    tracker = api.account.scan(parcel.tracking_number, "in_transit")
    send(tracker | {"status": "delivered"})
    work()
    parcel.refresh_from_db()
    assert parcel.state == "shipped"


@pytest.mark.parametrize("secret", ["wh_secret", ""])
def test_a_forged_request_is_refused_and_not_stored(api, send, parcel, secret):
    answer = send(api.account.scan(parcel.tracking_number, "delivered"), secret=secret)
    assert answer.status_code == 400
    assert b"EASYPOST_WEBHOOK_SECRET" in answer.content
    assert not ProviderNotice.objects.exists()


@pytest.mark.parametrize("headers", [{}, {"X-Hmac-Signature": "hmac-sha256-hex=é"}])
def test_a_request_without_a_readable_signature_is_refused(api, client, headers):
    assert client.post(URL, b"{}", content_type="application/json", headers=headers).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]"])
def test_a_signed_body_that_is_no_event_is_refused(api, client, body):
    headers = {"X-Hmac-Signature": signature_of(body, SECRET)}
    assert client.post(URL, body, content_type="application/json", headers=headers).status_code == 400


def test_notices_of_other_kinds_and_of_parcels_of_others_are_answered_and_left_alone(api, send, parcel):
    assert send({"id": "batch_1"}, kind="batch.updated").status_code == 200
    assert send({"id": "trk_1", "shipment_id": None}).status_code == 200
    assert not ProviderNotice.objects.exists()
    assert send({"id": "trk_1", "shipment_id": "shp_of_others"}).status_code == 200
    work()
    assert not ProviderNotice.objects.filter(worked_at=None).exists()
    assert not OutboxEntry.objects.exists()


def test_a_notice_is_worked_later_when_easypost_is_away(api, send, parcel, retry):
    send(api.account.scan(parcel.tracking_number, "delivered"))
    with api.failing("503"):
        work()
    assert ProviderNotice.objects.filter(worked_at=None).exists()
    assert ScheduledMessage.objects.filter(kind=ScheduledMessage.Kind.RETRY).exists()
    retry()
    parcel.refresh_from_db()
    assert parcel.state == "delivered"


def test_the_tracking_number_is_not_kept_in_clear(api, send, parcel):
    send(api.account.scan(parcel.tracking_number, "in_transit"))
    notice = ProviderNotice.objects.get()
    assert parcel.tracking_number not in f"{notice.about} {notice.event_id} {notice.kind}"
    assert parcel.tracking_number.encode() not in bytes(notice.body)

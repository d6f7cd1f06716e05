"""The door for providers: what is genuine is stored once and delivered, all else costs nothing."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cryptography.fernet import InvalidToken
from django.test import Client
from django.urls import reverse

from shop.ids import uuid7
from shop.messaging.contracts import Reminder
from shop.messaging.models import OutboxEntry
from shop.webhooks import notices, views
from shop.webhooks.endpoints import Endpoint, NotGenuine, Notice
from shop.webhooks.models import ProviderNotice
from shop.webhooks.sealing import open_sealed
from shop.webhooks.tasks import prune_notices

pytestmark = pytest.mark.django_db

SECRET = b"only the lighthouse knows"
URL = "/providers/lighthouse/webhook"


class LightNoticed(Reminder, aggregate="notice_id"):
    """The lighthouse has sent something."""

    notice_id: UUID


def _read(body: bytes, headers: Mapping[str, str]) -> Notice | None:
    if not hmac.compare_digest(headers.get("X-Signature", ""), _signature(body)):
        raise NotGenuine("The signature is wrong.")
    said = json.loads(body)
    return Notice(said["id"], said["kind"], said["ship"]) if said["kind"] != "fog" else None


def _signature(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


lighthouse = Endpoint(_read, lambda notice_id: LightNoticed(notice_id=notice_id))


@pytest.fixture(autouse=True)
def _configured(settings):
    settings.SHOP_WEBHOOKS = {"lighthouse": f"{__name__}.lighthouse"}


@pytest.fixture
def send():
    client = Client(enforce_csrf_checks=True)

    def send(event_id="n-1", kind="seen", signature=None, padding=""):
        said = {"id": event_id, "kind": kind, "ship": "Mary Celeste", "captain": "Briggs", "padding": padding}
        body = json.dumps(said).encode()
        headers = {"X-Signature": signature or _signature(body)}
        return client.post(URL, body, content_type="application/json", headers=headers)

    return send


def test_a_genuine_notice_is_stored_and_handed_to_its_context(send):
    assert send().status_code == 200
    row = ProviderNotice.objects.get()
    assert (row.provider, row.event_id, row.kind, row.about) == ("lighthouse", "n-1", "seen", "Mary Celeste")
    entry = OutboxEntry.objects.get()
    assert (entry.queue, entry.type) == ("tests.events", LightNoticed.type)
    assert json.loads(entry.body)["data"] == {"notice_id": str(row.pk)}
    assert notices.find(row.pk) == Notice("n-1", "seen", "Mary Celeste")


def test_the_body_is_kept_as_it_came_and_is_not_readable_without_the_secret_key(send, settings):
    send()
    row = ProviderNotice.objects.get()
    assert b"Briggs" not in bytes(row.body)
    assert json.loads(open_sealed(bytes(row.body), row.pk))["captain"] == "Briggs"
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "x" * 50
    assert json.loads(open_sealed(bytes(row.body), row.pk))["captain"] == "Briggs"
    with pytest.raises(InvalidToken):
        open_sealed(bytes(row.body), uuid7())


def test_a_copy_is_answered_alike_and_does_nothing(send):
    assert [send().status_code for _ in range(3)] == [200, 200, 200]
    assert ProviderNotice.objects.count() == OutboxEntry.objects.count() == 1


def test_a_kind_that_nobody_needs_is_answered_and_not_stored(send):
    assert send(kind="fog").status_code == 200
    assert not ProviderNotice.objects.exists()


def test_a_forged_notice_is_refused_without_a_statement(send, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = send(signature="0" * 64)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == "The signature is wrong."


def test_a_notice_that_is_too_large_is_refused_unread(send, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = send(padding="x" * views.MAX_BYTES)
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


def test_a_provider_that_is_not_configured_is_not_found(client, settings):
    settings.SHOP_WEBHOOKS = {}
    response = client.post(URL, b"{}", content_type="application/json")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_form_is_refused_like_any_forgery(client, content_type):
    assert client.post(URL, b"--x\r\n\r\n", content_type=content_type).status_code == 400


def test_other_methods_are_refused_as_a_problem(client):
    response = client.get(URL)
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"


def test_no_number_of_forged_notices_throttles_genuine_ones(send, settings):
    settings.SHOP_ANONYMOUS_REQUESTS_A_MINUTE = 2
    assert {send(signature="0").status_code for _ in range(5)} == {400}
    assert {send(event_id=f"n-{nr}").status_code for nr in range(5)} == {200}


def test_the_address_is_the_one_that_providers_are_given():
    assert reverse("webhook", args=["lighthouse"]) == URL


def test_a_notice_that_is_not_worked_is_delivered_again_until_it_is(send):
    send()
    row = ProviderNotice.objects.get()
    OutboxEntry.objects.all().delete()
    assert notices.unworked(grace=timedelta(minutes=1)) == {}
    assert notices.unworked(grace=timedelta()) == {row.pk: "lighthouse: seen of Mary Celeste"}
    assert notices.deliver_again(row.pk)
    assert OutboxEntry.objects.count() == 1
    notices.mark_as_worked(row.pk)
    assert notices.unworked(grace=timedelta()) == {}
    assert not notices.deliver_again(row.pk)


def test_notices_are_deleted_after_their_retention(send, settings):
    settings.SHOP_WEBHOOK_RETENTION = timedelta(days=30)
    send(event_id="old"), send(event_id="new")
    ProviderNotice.objects.filter(event_id="old").update(received_at=datetime.now(UTC) - timedelta(days=31))
    assert prune_notices.apply().result == {"pruned": 1}
    assert ProviderNotice.objects.get().event_id == "new"


def test_it_is_known_until_when_a_provider_was_asked():
    assert notices.asked_until("lighthouse") is None
    for hour in (9, 10):
        notices.note_asked("lighthouse", until=datetime(2026, 5, 1, hour, tzinfo=UTC))
    assert notices.asked_until("lighthouse") == datetime(2026, 5, 1, 10, tzinfo=UTC)

"""Signatures of events: what they cover, and which keys make and verify them."""

import hmac
import json
from uuid import UUID

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from shop.ids import uuid7
from shop.messaging.contracts import cloudevents
from shop.messaging.contracts.envelope import check_envelope
from shop.messaging.models import EventRecord, OutboxEntry
from shop.messaging.signing.events import SIGNATURE, is_signed, recognise, signed, verifies
from shop.messaging.signing.keys import Keyring
from tests.contracts.probe.events import ProbeNudged
from tests.unit.shop.messaging.support import published

OLD, NEW, OTHER = "old-" + "o" * 32, "new-" + "n" * 32, "other-" + "x" * 32

pytestmark = pytest.mark.django_db


@pytest.fixture
def body() -> str:
    [event] = published()
    return cloudevents.encode(event)


def sign(body: str) -> str:
    event = json.loads(body)
    return signed(body, UUID(event["id"]), event["type"])


def is_believed(text: str) -> bool:
    return verifies(json.loads(text), text)


def test_a_signature_is_an_attribute_of_the_event_which_is_otherwise_as_it_was(body):
    event = json.loads(sign(body))
    assert is_signed(event)
    assert is_believed(sign(body))
    check_envelope(event)
    assert SIGNATURE.isalpha()
    assert SIGNATURE.islower(), "as CloudEvents demands"
    event.pop(SIGNATURE)
    assert event == json.loads(body)


@pytest.mark.parametrize("changed", ["id", "type", "data"])
def test_a_signature_is_of_no_use_for_another_event(body, changed):
    others = {"id": str(uuid7()), "type": ProbeNudged.type, "data": {"probe_id": str(uuid7())}}
    event = json.loads(sign(body))
    forged = sign(body).replace(_json(event[changed]), _json(others[changed]))
    assert json.loads(forged)[changed] == others[changed]
    assert not is_believed(forged)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def test_data_may_not_be_put_beside_that_which_is_signed(body):
    before, start, data = sign(body).rpartition(', "data": ')
    other = f'{{"probe_id": "{uuid7()}"}}'
    for forged in (
        f'{before}{start}{data[:-1]}, "data": {other}}}',
        f'{before}, "x": {{"y": 1{start}{data}, "data": {other}}}',
    ):
        assert json.loads(forged)["data"] == json.loads(other)
        assert not is_believed(forged)
    last = f'{before}{start}{other}, "x": 1{start}{data}'
    assert json.loads(last)["data"] == json.loads(body)["data"], "of two attributes the last is read"


@pytest.mark.parametrize("signature", [None, 1, [], "", "x", "é", "00000000.", "." * 73, {"a": 1}])
def test_what_is_no_signature_verifies_nothing(body, signature):
    event = json.loads(body) | {SIGNATURE: signature}
    assert not verifies(event, json.dumps(event))


def test_a_body_in_another_form_is_signed_as_well_and_an_old_signature_replaced(body):
    sent_again = json.dumps(json.loads(sign(body)))
    text = sign(sent_again.replace('"number": 0', '"number": 7'))
    assert text.count(SIGNATURE) == 1
    assert json.loads(text)["data"]["number"] == 7
    assert is_believed(text)


def test_the_signature_holds_when_another_program_writes_the_same_data_in_its_own_form(body):
    """So it is with a retry of a worker of the former release, which keeps the attribute."""
    assert is_believed(json.dumps(json.loads(sign(body)), indent=1))


@pytest.mark.parametrize("body", ["{broken", "[]", '"text"', '{"specversion": "1.0"}', "[" * 2000])
def test_what_is_no_event_is_not_signed(body):
    assert signed(body, uuid7(), "tests.ProbeSent.v1") == body


def test_the_log_and_the_outbox_hold_events_without_signatures(body):
    assert SIGNATURE not in OutboxEntry.objects.get().body
    assert SIGNATURE not in EventRecord.objects.get().data


def test_keys_rotate(body, settings):
    settings.SHOP_SIGNING_KEYS = [OLD]
    by_old = sign(body)
    settings.SHOP_SIGNING_KEYS = [OLD, NEW]  # verified everywhere before it signs
    assert sign(body) == by_old
    settings.SHOP_SIGNING_KEYS = [NEW, OLD]
    by_new = sign(body)
    assert by_new != by_old
    assert is_believed(by_old)
    settings.SHOP_SIGNING_KEYS = [NEW]
    assert is_believed(by_new)
    assert not is_believed(by_old)


def test_without_keys_of_their_own_signatures_follow_the_secret_keys(body, settings):
    settings.SHOP_SIGNING_KEYS = []
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    by_old = sign(body)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert sign(body) != by_old
    assert is_believed(by_old)
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_believed(by_old)


def test_the_secret_key_itself_signs_nothing(body, settings):
    settings.SECRET_KEY = OLD
    by_derived = sign(body)
    settings.SHOP_SIGNING_KEYS = [OLD]
    assert sign(body) != by_derived


def test_a_short_key_is_refused(body, settings):
    settings.SHOP_SIGNING_KEYS = [OLD, "short"]
    assert [error.id for error in run_checks(tags=["messaging"])] == ["messaging.E005"]
    with pytest.raises(ImproperlyConfigured):
        sign(body)


def test_publishing_in_a_transaction_signs_nothing(body):
    with transaction.atomic():
        [event] = published()
    assert SIGNATURE not in OutboxEntry.objects.get(message_id=event.meta.id).body


def test_an_event_as_the_relay_sends_it_is_recognised_without_being_parsed(body):
    event = json.loads(body)
    assert recognise(sign(body)) == (event["type"], event["subject"])
    without_trace = sign(body.replace(f', "traceparent": "{event["traceparent"]}"', ""))
    assert recognise(without_trace)


@pytest.mark.parametrize("changed", ["id", "type", "data", "subject", SIGNATURE])
def test_a_changed_event_is_not_recognised(body, changed):
    event = json.loads(sign(body))
    assert not recognise(f"{sign(body)[:-1]}]"), "its end is signed by nobody"
    assert not recognise(f"{sign(body)} ")
    others = {"id": str(uuid7()), "type": ProbeNudged.type, "data": {}, "subject": "x", SIGNATURE: "y"}
    assert not recognise(sign(body).replace(_json(event[changed]), _json(others[changed])))


@pytest.mark.parametrize("key", ["k" * 32, "k" * 64, "k" * 65, "k" * 200])
def test_the_signature_is_an_hmac(key):
    signature = Keyring([key.encode()]).sign("what is signed")
    assert signature.partition(".")[2] == hmac.new(key.encode(), b"what is signed", "sha256").hexdigest()

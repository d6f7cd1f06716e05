"""Personal facts travel sealed: for their readers, for their purpose, until the subject is forgotten."""

import json
import time
from base64 import b64encode

import pytest
from django.db import transaction
from django.utils import timezone

from orders.events import ERASED, Address, Customer, OrderCreated, OrderCreatedV1, PaymentMethod
from payments.events import PaymentFailed, PaymentFailedV1, Refusal
from shipping.events import Refusal as CarriersRefusal
from shipping.events import ShipmentFailed
from shipping.models import Shipment
from shop.ids import uuid7
from shop.messaging.consuming import consumer_of
from shop.messaging.consuming.envelope import Envelope
from shop.messaging.consuming.failures import dead_letter
from shop.messaging.contracts import Money, as_version, cloudevents
from shop.messaging.dead_letters.edits import editable_text, replace_dead_letter
from shop.messaging.event_log import replay
from shop.messaging.models import DeadLetter, EventRecord, OutboxEntry
from shop.messaging.publishing import publish
from shop.privacy import data_keys
from shop.privacy.errors import SealBroken, UnknownSubject
from shop.privacy.models import DataSubject
from shop.privacy.payment_tokens import open_payment_methods
from shop.privacy.sealing import open_sealed
from tests.support.inprocess import deliver, deliver_all
from tests.support.sealed import sealed_event

pytestmark = pytest.mark.django_db

MONEY = Money(amount="49.90", currency="EUR")
ADDRESS = Address(name="Ada Lovelace", street="12 Byron Row", city="London", postal_code="N1", country="GB")
PLAIN = {
    "number": "ORD-1042",
    "lines": [{"sku": "TEAPOT", "name": "Teapot", "quantity": 1, "unit_price": MONEY}],
    "total": MONEY,
}
PERSONAL = {
    "customer_name": "Ada Lovelace",
    "customer_email": "ada@example.com",
    "ship_to": ADDRESS,
    "payment_method": "pm_card_visa",
}
CLEAR = ("Lovelace", "ada@example.com", "Byron", "pm_card_visa")


def order_created(customer_id=7):
    return sealed_event(OrderCreated, order_id=uuid7(), customer_id=customer_id, **PLAIN, **PERSONAL)


def from_before(customer_id=7):
    return OrderCreatedV1(order_id=uuid7(), customer_id=customer_id, **PLAIN, **PERSONAL)


def forget(account_id=7):
    gone = {"forgotten_at": timezone.now(), "wrapped_key": ""}
    DataSubject.objects.update_or_create(account_id=account_id, defaults=gone)


def test_sealed_facts_are_opened_as_they_were():
    event = OrderCreated.model_validate_json(order_created().model_dump_json())
    [customer] = open_sealed([event], Customer)
    assert (customer.customer_name, customer.customer_email) == ("Ada Lovelace", "ada@example.com")
    assert customer.ship_to == ADDRESS
    assert open_payment_methods([event], PaymentMethod)[0].payment_method == "pm_card_visa"


def test_neither_the_log_nor_the_bus_has_personal_facts():
    with transaction.atomic():
        publish(order_created())
    kept = json.dumps(EventRecord.objects.get().data) + OutboxEntry.objects.get().body
    assert "Teapot" in kept
    assert not [word for word in CLEAR if word in kept]


def test_the_same_facts_never_look_the_same():
    assert order_created().personal != order_created().personal


def test_means_of_payment_are_not_opened_as_personal_facts():
    with pytest.raises(SealBroken, match="no PaymentMethod for the purpose 'personal'"):
        open_sealed([order_created()], PaymentMethod)
    event = order_created()
    disguised = event.model_copy(update={"personal": event.payment})
    with pytest.raises(SealBroken):
        open_sealed([disguised], Customer)


@pytest.mark.parametrize(
    "change",
    [
        lambda event: {"personal": event.personal[:-8] + "AAAAAAA="},
        lambda event: {"personal": "no base64!"},
        lambda event: {"personal": b64encode(b"short").decode()},
        lambda event: {"personal": order_created(8).personal},
        lambda event: {"subject_id": order_created(8).subject_id},
    ],
    ids=["damaged", "no base64", "short", "of another subject", "under another subject"],
)
def test_a_changed_seal_is_refused_without_its_text(change):
    event = order_created()
    changed = event.model_copy(update=change(event))
    with pytest.raises(SealBroken) as refusal:
        open_sealed([changed], Customer)
    assert str(refusal.value) == "orders.OrderCreated.v2: personal cannot be opened"


def test_a_seal_of_another_event_is_refused():
    said = {"order_id": uuid7(), "code": "x", "message": "No"}
    payment = sealed_event(PaymentFailed, payment_id=uuid7(), **said)
    parcel = sealed_event(ShipmentFailed, shipment_id=uuid7(), **said)
    assert open_sealed([parcel], CarriersRefusal)[0].message == "No"
    with pytest.raises(SealBroken):
        open_sealed([parcel.model_copy(update={"personal": payment.personal})], CarriersRefusal)


def test_a_subject_that_is_not_known_is_a_failure_for_good():
    event = order_created().model_copy(update={"subject_id": uuid7()})
    with pytest.raises(UnknownSubject):
        open_sealed([event], Customer)


def test_a_batch_takes_one_statement_for_its_keys_and_the_next_none(
    django_assert_num_queries, django_capture_on_commit_callbacks
):
    events = [order_created(number % 5) for number in range(20)]
    with django_capture_on_commit_callbacks(execute=True), django_assert_num_queries(1):
        open_sealed(events, Customer)
    with django_assert_num_queries(0):
        open_sealed(events, Customer)


def test_a_forgotten_subject_is_erased_from_its_events():
    event = order_created()
    forget()
    data_keys.cache.clear()
    assert open_sealed([event], Customer) == [Customer.erased()]
    assert open_payment_methods([event], PaymentMethod) == [PaymentMethod(payment_method="")]


def test_a_destroyed_key_is_remembered_for_its_lifetime_at_the_most(
    monkeypatch, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        event = order_created()
    forget()
    assert open_sealed([event], Customer)[0].customer_name == "Ada Lovelace"
    later = time.monotonic() + settings.SHOP_DATA_KEY_LIFETIME.total_seconds()
    monkeypatch.setattr(data_keys.time, "monotonic", lambda: later + 1)
    assert open_sealed([event], Customer)[0].customer_name == ERASED


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(data_keys, "CACHE_SIZE", 4)
    for account in range(5):
        order_created(account)
    known = [account for account in range(5) if data_keys.cache.get(account)]
    assert known == []  # nothing is certain before the commit
    keys = data_keys.keys_of(DataSubject.objects.values_list("pk", flat=True))
    for key in keys.values():
        data_keys.cache.put(key)
    assert len([account for account in range(5) if data_keys.cache.get(account)]) == 2


def test_events_from_before_are_opened_in_clear():
    with transaction.atomic():
        publish(from_before())
    [event] = replay()
    assert (type(event), event.subject_id) == (OrderCreated, None)
    assert open_sealed([event], Customer)[0].customer_name == "Ada Lovelace"
    assert open_payment_methods([event], PaymentMethod)[0].payment_method == "pm_card_visa"
    failed = PaymentFailedV1(order_id=uuid7(), payment_id=uuid7(), code="x", message="No")
    assert open_sealed([as_version(failed, PaymentFailed)], Refusal)[0].message == "No"


def test_events_from_before_of_a_forgotten_account_are_erased_too():
    forget()
    event = as_version(from_before(), OrderCreated)
    assert open_sealed([event], Customer) == [Customer.erased()]


def test_the_old_version_is_not_sent_any_more():
    with transaction.atomic():
        publish(order_created())
    assert list(OutboxEntry.objects.values_list("type", flat=True)) == ["orders.OrderCreated.v2"]


def test_a_dead_letter_of_a_sealed_event_is_sealed():
    event = order_created()
    with transaction.atomic():
        event = publish(event.model_copy(update={"personal": event.personal[:-8] + "AAAAAAA="}))
    deliver(event, app="shipping")
    letter = DeadLetter.objects.get()
    assert (letter.cause, letter.error_type) == ("failed", "SealBroken")
    kept = editable_text(letter) + letter.error + letter.traceback
    assert not [word for word in CLEAR if word in kept]


def test_an_edited_copy_of_a_dead_letter_keeps_its_seals(django_user_model):
    with transaction.atomic():
        event = publish(order_created())
    envelope = Envelope(json.loads(cloudevents.encode(event)), {}, event)
    dead_letter(consumer_of("shipping", OrderCreated.type), envelope, ValueError("no such number"))
    letter = DeadLetter.objects.get()
    text = editable_text(letter).replace("ORD-1042", "ORD-1043")
    OutboxEntry.objects.all().delete()
    replace_dead_letter(dead_letter_id=letter.pk, text=text, by="olga", reason="a typing error")
    deliver_all()
    shipment = Shipment.objects.get()
    assert (shipment.order_number, shipment.street) == ("ORD-1043", "12 Byron Row")

"""Edit and replay: an edited copy replaces the event, once, and the changes are recorded."""

import json
from datetime import timedelta

import pytest

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.consuming import consumer_of, failures, runner
from shop.messaging.dead_letters import (
    InvalidCopy,
    NotOpen,
    NotReplayable,
    ReasonMissing,
    discard_dead_letter,
    replace_dead_letter,
)
from shop.messaging.dead_letters.edits import editable_text
from shop.messaging.event_log import replay
from shop.messaging.models import DeadLetter, DeadLetterAction, EventRecord, InboxEntry, OutboxEntry
from shop.messaging.operations.queries import inbox_gaps
from shop.messaging.signing.events import verifies
from tests.unit.shop.messaging.dead_letters.examples import ANALYTICS, died, unreadable

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> DeadLetter:
    """A cancellation as a dead letter of analytics."""
    return died()


def replaced(letter: DeadLetter, reason: str = "the till misspelt it", **changes: object) -> DeadLetter:
    """Replace the letter's event by a copy with changed data."""
    data = {**json.loads(editable_text(letter)), **changes}
    return replace_dead_letter(dead_letter_id=letter.pk, text=json.dumps(data), by="olga", reason=reason)


def test_a_copy_with_a_new_id_goes_to_the_consumer_that_failed(letter):
    replaced(letter, number="ORD-1043")

    entry, action = OutboxEntry.objects.get(), DeadLetterAction.objects.get()
    copy, original = json.loads(entry.body), json.loads(letter.body)
    assert entry.queue == "analytics.events"
    assert copy["id"] == str(entry.message_id) == str(action.copy_id) != original["id"]
    assert copy["causationid"] == original["id"]
    assert copy["data"] == {**original["data"], "number": "ORD-1043"}
    unchanged = {"type", "source", "subject", "time", "correlationid", "specversion"}
    assert {name: copy[name] for name in unchanged} == {name: original[name] for name in unchanged}


def test_a_copy_is_consumed_like_any_event(letter):
    replaced(letter)
    entry = OutboxEntry.objects.get()
    runner.run(consumer_of("analytics", entry.type), [json.loads(entry.body)], [{}])
    assert InboxEntry.objects.filter(event_id=entry.message_id, consumer=ANALYTICS).exists()


def test_who_edited_what_and_why_is_kept(letter):
    replaced(letter, number="ORD-1043")
    action = DeadLetterAction.objects.get()
    assert (action.action, action.by, action.reason) == ("edit", "olga", "the till misspelt it")
    assert '-  "number": "ORD-1042"' in action.diff
    assert '+  "number": "ORD-1043"' in action.diff
    assert DeadLetter.objects.get().status == "replaced"


def test_the_event_itself_takes_no_effect_besides_its_copy(letter):
    replaced(letter)
    OutboxEntry.objects.all().delete()
    late_duplicate = json.loads(letter.body)
    runner.run(consumer_of("analytics", letter.type), [late_duplicate], [{}])
    assert not DeadLetter.objects.filter(status="open").exists()
    assert InboxEntry.objects.count() == 1


def test_an_event_that_was_consumed_meanwhile_is_not_copied(letter):
    InboxEntry.objects.create(event_id=letter.event_id, consumer=ANALYTICS)
    with pytest.raises(NotReplayable, match="second time"):
        replaced(letter)
    assert not OutboxEntry.objects.exists()
    assert DeadLetter.objects.get().status == "open"


def test_an_audit_does_not_miss_the_consumption_of_what_was_replaced(letter):
    assert ANALYTICS in {gap.consumer for gap in inbox_gaps()}
    replaced(letter)
    assert ANALYTICS not in {gap.consumer for gap in inbox_gaps()}


def test_the_log_keeps_the_event_as_it_was(letter):
    replaced(letter, number="ORD-1043")
    assert EventRecord.objects.get().data["number"] == "ORD-1042"


def test_a_rebuild_of_read_models_leaves_out_what_was_replaced(letter):
    replaced(letter)
    assert InboxEntry.objects.filter(event_id=letter.event_id, consumer=ANALYTICS).exists()
    assert list(replay(consumed_by=[ANALYTICS])) == []


def test_a_rebuild_leaves_out_what_was_discarded_even_when_the_inbox_has_forgotten(letter, settings):
    settings.SHOP_INBOX_RETENTION = timedelta(hours=-1)
    assert len(list(replay(consumed_by=[ANALYTICS]))) == 1
    discard_dead_letter(dead_letter_id=letter.pk, by="olga", reason="a test order")
    assert list(replay(consumed_by=[ANALYTICS])) == []


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"number": 7}, "number: Input should be a valid string"),
        ({"reasn": "customer"}, "reasn: orders.OrderCancelled.v1 has no such field"),
        ({"order_id": "7"}, "order_id: Input should be a valid UUID"),
        ({"order_id": str(uuid7())}, "the copy has to be about"),
    ],
    ids=["wrong type", "unknown field", "no id", "another order"],
)
def test_what_does_not_fit_is_refused_in_words_for_a_person(letter, changes, complaint):
    with pytest.raises(InvalidCopy, match=complaint):
        replaced(letter, **changes)
    assert not OutboxEntry.objects.exists()
    assert not InboxEntry.objects.exists()


@pytest.mark.parametrize("text", ["{broken", "[]", '"text"', "[" * 100_000, "null", "{}"])
def test_what_is_no_event_is_refused(letter, text):
    with pytest.raises(InvalidCopy):
        replace_dead_letter(dead_letter_id=letter.pk, text=text, by="olga", reason="why not")


def test_fields_of_a_later_producer_survive_an_edit(letter):
    body = json.loads(letter.body)
    DeadLetter.objects.update(body=json.dumps({**body, "data": {**body["data"], "channel": "till"}}))
    letter.refresh_from_db()
    replaced(letter, number="ORD-1043")
    assert json.loads(OutboxEntry.objects.get().body)["data"]["channel"] == "till"


def test_an_edit_needs_a_reason_and_an_open_letter(letter):
    with pytest.raises(ReasonMissing):
        replaced(letter, reason=" ")
    replaced(letter, number="ORD-1043")
    with pytest.raises(NotOpen, match="replaced already"):
        replaced(letter, number="ORD-1044")


def test_an_unroutable_event_is_copied_to_all_who_subscribe(letter):
    DeadLetter.objects.update(cause="unroutable", app="", consumer="")
    letter.refresh_from_db()
    replaced(letter)
    assert OutboxEntry.objects.get().queue == ""
    assert InboxEntry.objects.filter(event_id=letter.event_id).count() == 2


def test_an_unreadable_message_is_rescued_by_mending_its_whole_text():
    good = json.loads(died().body)
    broken = unreadable(json.dumps({**good, "id": str(uuid7())})[:-1])
    assert editable_text(broken) == broken.body

    mended = broken.body + "}"
    replace_dead_letter(dead_letter_id=broken.pk, text=mended, by="olga", reason="a brace was missing")
    entry = OutboxEntry.objects.get()
    assert (entry.queue, entry.type) == ("analytics.events", OrderCancelled.type)
    assert json.loads(entry.body)["data"] == good["data"]


def test_the_edited_copy_of_a_forged_message_is_the_operators_and_signed_by_the_shop():
    genuine = died()
    failures.dead_letter_forged(
        app="analytics", body=json.dumps(json.loads(genuine.body) | {"shopsignature": "x"})
    )
    letter = DeadLetter.objects.get(cause="forged")
    OutboxEntry.objects.all().delete()
    replace_dead_letter(dead_letter_id=letter.pk, text=editable_text(letter), by="olga", reason="I saw it")
    entry = OutboxEntry.objects.get()
    assert "shopsignature" not in entry.body
    text = Outgoing(1, entry.message_id, entry.type, entry.queue, {}, entry.body).signed_body
    assert verifies(json.loads(text), text)


def test_the_event_whose_id_a_forged_message_bore_takes_effect_all_the_same():
    genuine = died()
    failures.dead_letter_forged(app="analytics", body=json.dumps(json.loads(genuine.body) | {"data": {}}))
    forged = DeadLetter.objects.get(cause="forged")
    text = json.dumps(json.loads(forged.body) | {"data": json.loads(genuine.body)["data"]})
    replace_dead_letter(dead_letter_id=forged.pk, text=text, by="olga", reason="I saw it")
    assert not InboxEntry.objects.filter(event_id=genuine.event_id).exists()


def test_an_unreadable_message_is_not_sent_to_an_app_that_does_not_take_it():
    broken = unreadable('{"specversion": "1.0"}')
    foreign = {
        "specversion": "1.0",
        "id": "x",
        "source": "/till",
        "type": "orders.OrderDeadlinePassed.v1",
        "time": "2026-12-24T12:00:00Z",
        "data": {"order_id": str(uuid7()), "step": "payment"},
    }
    with pytest.raises(NotReplayable, match="analytics does not consume"):
        replace_dead_letter(dead_letter_id=broken.pk, text=json.dumps(foreign), by="olga", reason="try")

"""Dead letters: replayed, discarded, and every action written down."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.urls import reverse

from orders.events import OrderCancelled
from shop.messaging import cloudevents, failures, runner
from shop.messaging.consuming import consumer_of
from shop.messaging.dead_letters import (
    NotOpen,
    NotReplayable,
    ReasonMissing,
    discard_dead_letter,
    replay_dead_letter,
)
from shop.messaging.errors import InvalidMessage, PermanentFailure
from shop.messaging.ids import uuid7
from shop.messaging.models import DeadLetter, DeadLetterAction, OutboxEntry
from shop.messaging.publishing import publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> DeadLetter:
    """A cancellation that analytics could not take."""
    with transaction.atomic():
        event = publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))
    OutboxEntry.objects.all().delete()
    consumer = consumer_of("analytics", OrderCancelled.type)
    message = runner.Message(json.loads(cloudevents.encode(event)), {}, event)
    failures.bury(consumer, message, PermanentFailure("no such order"))
    return DeadLetter.objects.get()


def test_a_replay_goes_to_the_one_consumer_that_failed(letter):
    replay_dead_letter(dead_letter_id=letter.pk, by="olga")

    entry = OutboxEntry.objects.get()
    assert (entry.queue, entry.message_id, entry.headers) == ("analytics.events", letter.event_id, {})
    assert json.loads(entry.body)["data"]["number"] == "ORD-1042"
    assert DeadLetterAction.objects.get().by == "olga"


def test_what_is_settled_cannot_be_settled_again(letter):
    discard_dead_letter(dead_letter_id=letter.pk, by="olga", reason="a test order")
    with pytest.raises(NotOpen, match="discarded already"):
        replay_dead_letter(dead_letter_id=letter.pk, by="olga")
    assert not OutboxEntry.objects.exists()


def test_a_discard_needs_a_reason(letter):
    with pytest.raises(ReasonMissing):
        discard_dead_letter(dead_letter_id=letter.pk, by="olga", reason=" ")
    assert DeadLetter.objects.get().status == "open"


def test_what_nobody_can_read_cannot_be_replayed():
    failures.bury_unreadable(app="orders", body="{broken", error=InvalidMessage("the body is no JSON"))
    with pytest.raises(NotReplayable):
        replay_dead_letter(dead_letter_id=DeadLetter.objects.get().pk, by="olga")


def test_an_event_that_dies_again_joins_its_open_letter(letter):
    event = runner.cloudevents.decode(json.loads(letter.body))
    message = runner.Message(json.loads(letter.body), {failures.ATTEMPTS: 4}, event)
    failures.bury(consumer_of("analytics", OrderCancelled.type), message, PermanentFailure("still not"))
    assert DeadLetter.objects.get().attempts == 5


def act(client, action: str, letter: DeadLetter, reason: str = ""):
    url = reverse("admin:messaging_deadletter_changelist")
    data = {"action": action, "_selected_action": [letter.pk], "reason": reason}
    return client.post(url, data, follow=True)


def test_operators_replay_and_discard_in_the_admin(client, letter):
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    assert "Say why the dead letter is discarded" in act(client, "discard", letter).content.decode()
    assert "1 replayed." in act(client, "replay", letter).content.decode()
    assert OutboxEntry.objects.count() == 1


def test_who_may_only_look_cannot_act(client, letter):
    user = User.objects.create_user("victor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_deadletter"))
    client.force_login(user)
    act(client, "replay", letter)
    assert not OutboxEntry.objects.exists()

"""Semantics of Service Bus that the event bus relies on, as Microsoft's SDK for Python sees them.

They run on the stand-in, or on the emulator or account that ASB_URL names.
"""

import time
from typing import Any

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.exceptions import (
    MessageLockLostError,
    MessageSizeExceededError,
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusError,
)

from tests.support.waiting import eventually
from tests.unit.dev.servers.servicebus.config import MAX_DELIVERIES

#: Without the thread that keeps an idle connection alive, whose end takes a second.
QUICK = {"keep_alive": 0, "socket_timeout": 0.05}
#: Receiver that may get one message more than asked for: without it Microsoft's SDK insists on the thread.
EAGER = QUICK | {"prefetch_count": 1}


def texts(messages: list[ServiceBusReceivedMessage]) -> list[str]:
    return [str(message) for message in messages]


def receive(receiver: Any, count: int) -> list[ServiceBusReceivedMessage]:
    """Receive exactly ``count`` messages."""
    found: list[ServiceBusReceivedMessage] = []
    while len(found) < count:
        some = receiver.receive_messages(max_message_count=count - len(found), max_wait_time=10)
        assert some, f"only {len(found)} of {count} messages came"
        found += some
    return found


def is_empty(receiver: Any) -> bool:
    return not receiver.receive_messages(max_message_count=1, max_wait_time=0.3)


def wait_for_expiry(message: ServiceBusReceivedMessage) -> None:
    assert message.locked_until_utc
    time.sleep(max(0, message.locked_until_utc.timestamp() - time.time() + 0.3))


def test_a_subscription_gets_the_subjects_of_its_rules_in_order(client):
    with client.get_topic_sender("crockery", **QUICK) as sender:
        batch = sender.create_message_batch()
        for number in range(30):
            subject = ("Cup", "Plate", "Mug", "Fork")[number % 4]
            batch.add_message(
                ServiceBusMessage(str(number), subject=subject, application_properties={"n": 7})
            )
        sender.send_messages(batch)

    with client.get_subscription_receiver("crockery", "cups", **EAGER) as receiver:
        messages = receive(receiver, 15)
        assert texts(messages) == [str(number) for number in range(30) if number % 2 == 0]
        assert messages[0].subject == "Cup"
        assert messages[0].application_properties == {b"n": 7}
        for message in messages:
            receiver.complete_message(message)
        assert is_empty(receiver)


def test_a_locked_message_is_delivered_to_no_other_receiver(client, send, receiver):
    send("one")
    [message] = receive(receiver, 1)

    with client.get_queue_receiver("jobs", **EAGER) as other:
        assert is_empty(other)
        receiver.complete_message(message)
        assert is_empty(other)


def test_receivers_share_the_messages(client, send):
    with (
        client.get_queue_receiver("jobs", **EAGER | {"prefetch_count": 20}) as one,
        client.get_queue_receiver("jobs", **EAGER | {"prefetch_count": 20}) as two,
    ):
        found: dict[Any, set[str]] = {one: set(), two: set()}
        assert is_empty(one)  # both have given credit
        assert is_empty(two)
        send(*(str(number) for number in range(10)))
        while len(found[one] | found[two]) < 10:
            for receiver, seen in found.items():
                seen.update(texts(receiver.receive_messages(max_message_count=20, max_wait_time=0.1)))

    assert all(found.values())


def test_an_abandoned_message_comes_again_before_the_others_and_is_dead_in_the_end(client, send, receiver):
    send("poison", "good")
    for deliveries in range(MAX_DELIVERIES):
        [message] = receive(receiver, 1)
        assert (str(message), message.delivery_count or 0) == ("poison", deliveries)
        receiver.abandon_message(message)

    assert texts(receive(receiver, 1)) == ["good"]
    with client.get_queue_receiver("jobs", sub_queue="deadletter", **EAGER) as dead:
        [letter] = receive(dead, 1)
        assert (str(letter), letter.dead_letter_reason) == ("poison", "MaxDeliveryCountExceeded")


def test_a_dead_letter_says_why(client, send, receiver):
    send("odd")
    [message] = receive(receiver, 1)
    receiver.dead_letter_message(message, reason="Unreadable", error_description="it is no JSON")

    assert is_empty(receiver)
    with client.get_queue_receiver("jobs", sub_queue="deadletter", **EAGER) as dead:
        [letter] = receive(dead, 1)
        assert letter.dead_letter_reason == "Unreadable"
        assert letter.dead_letter_error_description == "it is no JSON"
        dead.complete_message(letter)
        assert is_empty(dead)


def test_a_message_whose_lock_expired_comes_again_and_its_first_receiver_cannot_settle_it(client, send):
    send("slow")
    with (
        client.get_queue_receiver("jobs") as first,
        client.get_queue_receiver("jobs", **EAGER) as second,
    ):
        [slow] = receive(first, 1)
        wait_for_expiry(slow)

        [again] = receive(second, 1)
        assert again.delivery_count == 1
        with pytest.raises(MessageLockLostError):
            first.complete_message(slow)
        second.complete_message(again)


def test_a_renewed_lock_lasts_longer(client, send):
    send("slow")
    with (
        client.get_queue_receiver("jobs") as receiver,
        client.get_queue_receiver("jobs") as other,
    ):
        [slow] = receive(receiver, 1)
        first_end = slow.locked_until_utc
        while time.time() < first_end.timestamp() + 0.2:
            time.sleep(0.3)
            assert receiver.renew_message_lock(slow) > first_end

        receiver.complete_message(slow)
        assert is_empty(other)


def test_peeking_locks_nothing(send, receiver):
    send("one", "two")

    assert texts(receiver.peek_messages(10)) == ["one", "two"]
    assert texts(receive(receiver, 2)) == ["one", "two"]


def test_a_session_has_one_receiver_at_a_time_and_keeps_its_order(client):
    with client.get_topic_sender("crockery", **QUICK) as sender:
        trays = [
            ServiceBusMessage(str(n), subject="Tray", session_id=("red", "blue")[n % 2]) for n in range(8)
        ]
        sender.send_messages(trays)

    def next_session():
        return client.get_subscription_receiver(
            "crockery", "ordered", session_id=NEXT_AVAILABLE_SESSION, max_wait_time=1, **EAGER
        )

    with next_session() as one, next_session() as two:
        assert {one.session.session_id, two.session.session_id} == {"red", "blue"}
        with pytest.raises(OperationTimeoutError), next_session() as three:
            receive(three, 1)
        for receiver in (one, two):
            messages = receive(receiver, 4)
            assert texts(messages) == sorted(texts(messages))
            assert {message.session_id for message in messages} == {receiver.session.session_id}
            first, *rest = messages
            receiver.complete_message(first)
            if receiver is two:
                for message in rest:
                    receiver.complete_message(message)

    with next_session() as again:  # what the first receiver left
        assert again.session.renew_lock()
        left = eventually(lambda: receive(again, 3))
        assert len(left) == 3
        for message in left:
            again.complete_message(message)


def test_a_queue_with_sessions_refuses_a_message_without_one(client):
    with client.get_queue_sender("turns", **QUICK) as sender, pytest.raises(ServiceBusError, match="session"):
        sender.send_messages(ServiceBusMessage("whose turn?"))


def test_a_missing_entity_is_named(client):
    with pytest.raises(MessagingEntityNotFoundError), client.get_queue_sender("nowhere", **QUICK) as sender:
        sender.send_messages(ServiceBusMessage("lost"))
    with (
        pytest.raises(MessagingEntityNotFoundError),
        client.get_queue_receiver("nowhere", **EAGER) as receiver,
    ):
        receiver.receive_messages(max_wait_time=1)


def test_a_message_above_256_kb_is_refused(client):
    with client.get_queue_sender("jobs", **QUICK) as sender:
        batch = sender.create_message_batch()
        batch.add_message(ServiceBusMessage("x" * 200_000))
        with pytest.raises(ValueError, match="size"):
            batch.add_message(ServiceBusMessage("x" * 100_000))
        with pytest.raises(MessageSizeExceededError):
            sender.send_messages(ServiceBusMessage("x" * 300_000))

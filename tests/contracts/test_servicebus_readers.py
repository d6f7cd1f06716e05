"""Service Bus as other programs see it: plain azure-servicebus, no code of the shop.

They run on the stand-in, or on what ASB_URL names.
"""

import pytest
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from shop.ids import uuid7
from shop.messaging.models import DeadLetter
from tests.contracts.probe.events import ProbeSent
from tests.support.servicebus import READER
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("broker_url", ["sb"], indirect=True)
QUICK = {"prefetch_count": 20, "keep_alive": 0}


def test_a_program_in_plain_azure_servicebus_reads_cloudevents(probe, broker_url):
    [event] = probe.publish(ProbeSent(probe_id=uuid7(), behaviour="note", number=7))

    with (
        ServiceBusClient.from_connection_string(broker_url) as client,
        client.get_subscription_receiver("shop.events", READER, max_wait_time=15, **QUICK) as receiver,
    ):
        found = None
        for message in receiver:
            headers, body = {"content-type": message.content_type}, b"".join(message.body)
            receiver.complete_message(message)
            assert message.subject == ProbeSent.type
            if message.content_type == "application/cloudevents+json" and str(event.meta.id).encode() in body:
                found = from_http_event(HTTPMessage(headers, body))
                break

    assert found
    assert found.get_type() == "tests.ProbeSent.v1"
    assert found.get_id() == str(event.meta.id)
    assert found.get_data()["number"] == 7


def test_what_another_program_sends_is_recorded_and_moved_to_the_dead_letter_queue(probe, broker_url):
    with ServiceBusClient.from_connection_string(broker_url) as client:
        with client.get_queue_sender("tests.events", keep_alive=0) as sender:
            sender.send_messages(ServiceBusMessage("no event", application_properties={"x-attempts": "many"}))
        [event] = probe.publish(ProbeSent(probe_id=uuid7(), behaviour="note"))

        eventually(lambda: probe.notes(event.probe_id))
        eventually(DeadLetter.objects.filter(cause="unreadable", body="no event").exists)
        dead = client.get_queue_receiver("tests.events", sub_queue="deadletter", max_wait_time=10, **QUICK)
        with dead:
            reasons = {}
            for message in dead:  # also what other tests have left
                reasons[str(message)] = message.dead_letter_reason
                dead.complete_message(message)
                if "no event" in reasons:
                    break
        assert reasons["no event"] == "RecordedAsDeadLetter"

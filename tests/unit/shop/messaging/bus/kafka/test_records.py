"""Records: keys, values, and what is read of them."""

import json

import pytest

from shop.ids import uuid7
from shop.messaging.bus.kafka.records import key_of, opened, type_of, value_of
from shop.messaging.bus.outgoing import Outgoing

TYPE = "tests.ProbeSent.v1"
EVENT = (
    '{"specversion": "1.0", "id": "%s", "source": "/shop/tests", "type": "tests.ProbeSent.v1", '
    '"subject": "cup-7", "data": {"type": "porcelain"}}'
)


def outgoing(body: str, queue: str = "", headers: dict[str, int] | None = None) -> Outgoing:
    return Outgoing(1, uuid7(), TYPE, queue, headers or {}, body)


def test_the_key_is_the_aggregate():
    assert key_of(outgoing(EVENT % uuid7())) == "cup-7"


def test_without_an_aggregate_the_key_is_the_message():
    message = outgoing("no event")
    assert key_of(message) == str(message.message_id)


def test_an_event_for_all_is_its_value():
    message = outgoing("no event")
    assert value_of(message) == "no event"


def test_headers_travel_in_the_envelope_of_an_apps_topic():
    value = value_of(outgoing("body", "tests.events", {"x-attempts": 3}))

    assert opened(value.encode()) == ("body", {"x-attempts": 3})


@pytest.mark.parametrize(
    "value",
    [b"\xff\xfe", b"no JSON", b"[]", b'{"headers": {}, "body": 7}', b'{"headers": 1, "body": "x"}', b"{}"],
)
def test_what_others_write_into_an_apps_topic_is_its_own_body(value):
    assert opened(value) == (value, {})


def test_the_type_is_read_without_parsing_and_never_from_the_data():
    assert type_of((EVENT % uuid7()).encode()) == TYPE


def test_the_type_of_another_producers_event_is_found():
    assert type_of(json.dumps({"data": {"type": "no"}, "type": TYPE}).encode()) == TYPE


@pytest.mark.parametrize("value", [b"", b"no JSON", b"\xff", b"[1]", b'{"type": 7}'])
def test_what_is_no_event_has_no_type(value):
    assert type_of(value) is None

"""Examination of received messages: form, size and signature, before anything is done with an event."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shop.ids import uuid7
from shop.messaging.consuming.envelope import UNSIGNED
from shop.messaging.contracts import cloudevents
from shop.messaging.contracts.cloudevents import BATCH_CONTENT_TYPE, CONTENT_TYPE, encode_batch
from shop.messaging.contracts.envelope import MAX_DEPTH
from shop.messaging.contracts.event import Meta
from shop.messaging.errors import Forged, InvalidMessage, UnknownEventType
from shop.messaging.signing.events import SIGNATURE, signed
from shop.messaging.worker import bridge
from shop.messaging.worker.incoming import DEAD_LETTER_TASK, IncomingEvent
from tests.contracts.probe import consumers  # noqa: F401 - registers them
from tests.contracts.probe.events import ProbeSent
from tests.unit.shop.messaging.worker.doubles import Channel, Message

SECRET = "Alice Liddell"


def genuine() -> str:
    """Return the text of an event as the shop sends it."""
    event_id = uuid7()
    event = ProbeSent(probe_id=uuid7()).with_meta(Meta(event_id, datetime.now(UTC), event_id))
    return signed(cloudevents.encode(event), event_id, event.type)


def identify(body: Any, content_type: Any = CONTENT_TYPE, headers: Any = None) -> list[IncomingEvent]:
    message = Message(Channel(), 1, {})
    message.body, message.content_type, message.headers = body, content_type, headers or {}
    return bridge.identify("tests", message)


def problem_of(body: Any, **more: Any) -> Exception | None:
    [incoming] = identify(body, **more)
    return incoming.problem


def changed(**attributes: Any) -> str:
    return json.dumps(json.loads(genuine()) | attributes)


def test_what_the_shop_has_signed_goes_to_its_consumer():
    [incoming] = identify(genuine())
    assert (incoming.problem, UNSIGNED in incoming.headers) == (None, False)
    assert incoming.consumer.name == "tests.when_probe_sent_note_it"


def test_what_carries_no_signature_is_marked_for_the_log_to_prove():
    event = json.loads(genuine())
    del event[SIGNATURE]
    [incoming] = identify(json.dumps(event), headers={"unsigned": 0, "x-attempts": 3})
    assert incoming.headers == {UNSIGNED: 1, "x-attempts": 3}
    assert incoming.dead_letter_args()[-1] is True


@pytest.mark.parametrize("signature", ["", "x", None, 7, ["a"], "00000000." + "0" * 64])
def test_a_wrong_signature_is_a_forgery_whatever_it_looks_like(signature):
    problem = problem_of(changed(**{SIGNATURE: signature}))
    assert isinstance(problem, Forged | InvalidMessage)
    assert identify(changed(**{SIGNATURE: signature}))[0].task == DEAD_LETTER_TASK


def test_a_forged_event_of_an_unknown_type_is_not_kept_for_a_newer_worker():
    """It would come back signed by the relay."""
    [incoming] = identify(changed(type="tests.Unheard.v1"))
    assert (type(incoming.problem), incoming.task) == (Forged, DEAD_LETTER_TASK)


@pytest.mark.parametrize(
    "attributes",
    [
        {"id": "0199b1d0-0000-7000-8000-0000000000\x001"},
        {"id": "1"},
        {"id": None},
        {"id": ["a"]},
        {"id": "urn:uuid:0199b1d0-0000-7000-8000-000000000001"},
        {"type": "tests.Probe\x00Sent.v1"},
        {"type": "t" * 101},
        {"type": 7},
        {"source": "a b"},
        {"source": {"a": 1}},
        {"source": "x" * 10_000},
        {"subject": "a\x00"},
        {"subject": ["a"]},
        {"subject": "x" * 10_000},
        {"time": "yesterday"},
        {"time": "2026-12-24T12:00:00"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"time": "9999-12-31T23:59:59-12:00"},
        {"time": 7},
        {"correlationid": "x"},
        {"causationid": 7},
        {"specversion": "2.0"},
        {"specversion": [SECRET]},
        {"tracestate": {"a": "b"}},
        {"data": json.loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)},
    ],
    ids=str,
)
def test_a_malformed_envelope_is_unreadable_and_runs_no_consumer(attributes):
    [incoming] = identify(changed(**attributes))
    assert isinstance(incoming.problem, InvalidMessage)
    assert (incoming.consumer, incoming.task, incoming.cause) == (None, DEAD_LETTER_TASK, "unreadable")
    json.dumps(incoming.dead_letter_args())


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "time", "correlationid", SIGNATURE])
def test_an_error_names_the_attribute_and_never_its_value(name):
    problem = problem_of(changed(**{name: SECRET}))
    assert problem
    assert SECRET not in str(problem)
    assert SECRET not in repr(problem)


@pytest.mark.parametrize("value", ["x", "", None, 7, "00-0-0-0", f"00-{'0' * 32}-{'1' * 16}-01"])
def test_a_malformed_traceparent_is_dropped(value):
    event = json.loads(genuine()) | {"traceparent": value}
    assert problem_of(json.dumps(event)) is None
    assert cloudevents.decode(event).meta.traceparent is None


def test_a_good_traceparent_is_kept():
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert cloudevents.decode(json.loads(changed(traceparent=traceparent))).meta.traceparent == traceparent


def test_a_message_of_too_many_events_is_refused_as_a_whole(settings):
    settings.SHOP_MAX_EVENTS_PER_MESSAGE = 3
    assert len(identify(encode_batch([genuine()] * 3), content_type=BATCH_CONTENT_TYPE)) == 3
    problem = problem_of(encode_batch([genuine()] * 4), content_type=BATCH_CONTENT_TYPE)
    assert str(problem) == "the message has 4 events: too many"


def test_a_bundle_of_ten_thousand_is_refused():
    body = encode_batch(['{"a":1}'] * 10_000)
    assert "10000 events" in str(problem_of(body, content_type=BATCH_CONTENT_TYPE))


def test_of_a_message_that_is_too_large_the_beginning_is_kept(settings):
    settings.SHOP_MAX_MESSAGE_BYTES = 2000
    assert problem_of(genuine()) is None
    [incoming] = identify(json.dumps({"a": "x" * 5000}).encode())
    assert "too many" in str(incoming.problem)
    assert len(incoming.text) == 2000


@pytest.mark.parametrize("number", ["1e999", "9" * 9000])
def test_a_number_that_no_float_holds_is_unreadable(number):
    assert isinstance(problem_of(genuine().replace('"number":0', f'"number":{number}')), InvalidMessage)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "correlationid",
    "causationid",
    "traceparent",
]
ATTRIBUTES = st.dictionaries(
    st.sampled_from([*NAMES, "data", SIGNATURE]) | st.text(max_size=5), JSON, max_size=4
)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    attributes=ATTRIBUTES,
    removed=st.sets(st.sampled_from(NAMES)),
    headers=st.none() | st.dictionaries(st.sampled_from(["x-attempts", "x-probe", "x-delivery-count"]), JSON),
)
def test_whatever_an_envelope_says_the_events_beside_it_are_taken(attributes, removed, headers):
    event = {name: value for name, value in json.loads(genuine()).items() if name not in removed}
    strange = json.dumps(event | attributes)
    taken = identify(encode_batch([genuine(), strange, genuine()]), BATCH_CONTENT_TYPE, headers)
    assert [incoming.consumer is not None for incoming in (taken[0], taken[2])] == [True, True]
    if taken[1].problem:
        assert isinstance(taken[1].problem, InvalidMessage | Forged | UnknownEventType)
        json.dumps(taken[1].dead_letter_args())
    elif UNSIGNED not in taken[1].headers:
        assert json.loads(taken[1].text)["data"] == event["data"], "as the shop has signed it"


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    body=st.binary(max_size=60) | st.text(max_size=60) | st.sampled_from([None, 7, {}, []]),
    content_type=st.sampled_from([CONTENT_TYPE, BATCH_CONTENT_TYPE, None, 7, "text/plain"]),
    headers=st.sampled_from([None, {}, [], "x", {"x-attempts": "many"}, {"x-delivery-count": [1]}]),
)
def test_whatever_bytes_come_they_are_an_unreadable_message(body, content_type, headers):
    for incoming in identify(body, content_type, headers):
        assert isinstance(incoming.problem, InvalidMessage)
        json.dumps(incoming.dead_letter_args())

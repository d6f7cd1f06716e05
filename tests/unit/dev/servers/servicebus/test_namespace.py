import pytest
from proton import Message

from dev.errors import ScriptError
from dev.servers.servicebus.batches import messages_in
from dev.servers.servicebus.namespace import Namespace, seconds
from tests.unit.dev.servers.servicebus.config import entities


def test_a_topic_leads_to_its_subscriptions_and_a_queue_to_itself():
    namespace = Namespace(entities("PT1M30S"))

    assert [entity.path for entity in namespace.targets("Crockery") or ()] == [
        "crockery/subscriptions/cups",
        "crockery/subscriptions/plates",
        "crockery/subscriptions/ordered",
    ]
    [queue] = namespace.targets("jobs") or ()
    assert queue.options.lock_seconds == 90
    assert namespace.find("jobs/$deadletterqueue") is queue.dead_letters
    assert namespace.targets("nowhere") is None


OTHER_RULES = [
    {"FilterType": "Sql", "SqlFilter": {"SqlExpression": "sys.label = 'Cup'"}},
    {"FilterType": "Correlation", "CorrelationFilter": {"Label": "Cup", "ContentType": "text/plain"}},
]


@pytest.mark.parametrize("rule", OTHER_RULES)
def test_a_rule_that_the_stand_in_does_not_know_is_named(rule):
    config = entities("PT1M")
    [topic] = config["UserConfig"]["Namespaces"][0]["Topics"]
    topic["Subscriptions"][0]["Rules"][0]["Properties"] = rule

    with pytest.raises(ScriptError, match="'Cup' of subscription 'cups'"):
        Namespace(config)


@pytest.mark.parametrize(
    ("duration", "length"), [("PT5S", 5), ("PT1M", 60), ("PT1H0.5S", 3600.5), ("PT1H2M3S", 3723)]
)
def test_durations_of_iso_8601_are_understood(duration, length):
    assert seconds(duration) == length


def test_a_duration_of_another_kind_is_refused():
    with pytest.raises(ScriptError, match="P1D"):
        seconds("P1D")


def test_a_batch_is_told_from_a_message():
    inner = [Message(text, inferred=True).encode() for text in (b"one", b"two")]
    batch = b"".join(b"\x00\x53\x75\xb0" + len(one).to_bytes(4, "big") + one for one in inner)
    value = Message({"a": 1}).encode()

    assert messages_in(batch) == inner
    assert messages_in(inner[0]) == [inner[0]]
    assert messages_in(value) == [value]

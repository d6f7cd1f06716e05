"""The entities of the bus: made by the administration client, and printed for the emulator.

The administration API is a stand-in: client and HTTPS are real, the semantics ours.
"""

import json
import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from shop.messaging.consuming import consumer_of, consuming_apps
from tests.support.servicebus_administration import administration

#: Longest name of a rule in Service Bus.
LONGEST_NAME = 50


@pytest.fixture
def entries(tmp_path, settings, monkeypatch):
    """Entries of a namespace without entities, which SHOP_EVENT_BUS names."""
    with administration(tmp_path) as (connection_string, entries, certificate):
        settings.SHOP_EVENT_BUS = connection_string
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        yield entries


def make() -> str:
    call_command("servicebus_topology", stdout=(out := StringIO()))
    return out.getvalue()


def emulator() -> dict:
    call_command("servicebus_topology", "--emulator-config", stdout=(out := StringIO()))
    [namespace] = json.loads(out.getvalue())["UserConfig"]["Namespaces"]
    return namespace


def test_the_command_makes_topic_subscriptions_rules_and_queues(entries):
    said = make()

    assert "created topic shop.events" in said
    for app in consuming_apps():
        subscription = entries[f"shop.events/subscriptions/{app}"]
        assert "<ns1:MaxDeliveryCount>20<" in subscription or "MaxDeliveryCount>20<" in subscription
        assert f"{app}.events" in entries
    rule = entries["shop.events/subscriptions/payments/rules/orders.OrderCreated.v2"]
    assert "CorrelationFilter" in rule
    assert "Label>orders.OrderCreated.v2<" in rule
    assert not [path for path in entries if path.endswith("$Default")], "they would match every event"


def test_the_command_may_run_again(entries):
    make()
    before = dict(entries)

    assert make() == "nothing to do: all entities exist\n"
    assert entries == before


def test_the_command_adds_a_missing_rule_and_names_one_too_many(entries):
    make()
    rules = "shop.events/subscriptions/payments/rules/"
    entries[f"{rules}old.Gone.v1"] = entries.pop(f"{rules}orders.OrderCreated.v2").replace(
        "orders.OrderCreated.v2", "old.Gone.v1"
    )

    said = make()

    assert "created rule orders.OrderCreated.v2 of subscription payments" in said
    assert "left rule old.Gone.v1 of subscription payments" in said
    assert f"{rules}old.Gone.v1" in entries


def test_the_command_adapts_what_differs(entries):
    make()
    queue = entries["orders.events"]
    entries["orders.events"] = queue.replace("MaxDeliveryCount>20<", "MaxDeliveryCount>3<")

    assert make() == "updated queue orders.events\n"
    assert "MaxDeliveryCount>20<" in entries["orders.events"]


def test_sessions_that_cannot_be_introduced_are_told(entries, settings):
    make()
    settings.SHOP_SERVICEBUS_SESSIONS = True

    with pytest.raises(CommandError, match="subscription analytics has no sessions"):
        make()


def test_an_account_that_cannot_be_reached_is_told_without_its_key(settings):
    settings.SHOP_EVENT_BUS = "Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=root;SharedAccessKey=c2VjcmV0"

    with pytest.raises(CommandError) as caught:
        make()
    assert "c2VjcmV0" not in str(caught.value)


def test_without_service_bus_the_command_says_what_to_set():
    with pytest.raises(CommandError, match="SHOP_EVENT_BUS"):
        make()


def test_the_emulator_gets_the_same_entities():
    namespace = emulator()

    [topic] = namespace["Topics"]
    assert topic["Name"] == "shop.events"
    assert [one["Name"] for one in topic["Subscriptions"]] == consuming_apps()
    assert [queue["Name"] for queue in namespace["Queues"]] == [f"{app}.events" for app in consuming_apps()]
    for subscription in topic["Subscriptions"]:
        assert subscription["Properties"]["MaxDeliveryCount"] == 20
        assert not subscription["Properties"]["RequiresSession"]
        for rule in subscription["Rules"]:
            label = rule["Properties"]["CorrelationFilter"]["Label"]
            assert consumer_of(subscription["Name"], label)
            assert rule["Name"] == label
            assert len(label) <= LONGEST_NAME


def test_with_sessions_subscriptions_require_them_and_queues_do_not(settings):
    settings.SHOP_SERVICEBUS_SESSIONS = True
    namespace = emulator()

    [topic] = namespace["Topics"]
    assert all(one["Properties"]["RequiresSession"] for one in topic["Subscriptions"])
    assert not any(queue["Properties"]["RequiresSession"] for queue in namespace["Queues"])


def test_its_client_is_imported_only_where_it_is_the_event_bus():
    program = (
        "import django; django.setup(); import sys; from celery import Celery;"
        "from shop.messaging.bus.port import event_bus; import shop.messaging.worker.bridge, shop.urls;"
        "event_bus(Celery(set_as_current=False)); print([m for m in sys.modules if m.startswith('azure')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"

"""The choreography page shows the registered consumers and is up to date."""

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from console import choreography
from inventory.events import InventoryRejected
from shop.messaging.consuming import consumers

#: Without those that other tests register.
CONSUMERS = [consumer for consumer in consumers() if apps.is_installed(consumer.app)]


def test_the_page_is_up_to_date():
    call_command("choreography", "--check")


def test_a_stale_page_is_reported_and_renewed(tmp_path, capsys):
    file = tmp_path / "choreography.md"
    with pytest.raises(CommandError, match="stale"):
        call_command("choreography", "--check", "--file", file)
    file.write_text(choreography.page(CONSUMERS[1:]))
    with pytest.raises(CommandError, match="stale"):
        call_command("choreography", "--check", "--file", file)
    call_command("choreography", "--file", file)
    call_command("choreography", "--check", "--file", file)


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.name)
def test_every_reaction_is_on_the_page(consumer):
    page, event = choreography.page(), consumer.event
    rows = [line for line in page.splitlines() if line.startswith(f"| `{event.app}.{event.__name__}`")]
    publishes = any(other.emits for other in CONSUMERS if other.app == consumer.app)
    assert f"**{consumer.app}**" in rows[0] if publishes else "✓" in rows[0]
    if consumer.emits:
        names = [outcome.__name__ for outcome in consumer.emits]
        assert f"    {event.__name__} -- {consumer.app} --> {' & '.join(names)}" in page
        assert all(f"`{name}`" in rows[0] for name in names)


def test_the_page_names_every_emitter():
    event = InventoryRejected
    rows = [line for line in choreography.page().splitlines() if f"| `{event.app}.{event.__name__}`" in line]
    first, second = "when_order_created_remember_its_lines", "when_payment_processed_deduct_stock"
    assert rows[-1].endswith(f"| `inventory.{first}`<br>`inventory.{second}` |")
    assert "| `orders.OrderCreated` | services of orders, in no reaction |" in choreography.page()


def test_the_chain_begins_with_the_order():
    arrows = [line for line in choreography.page().splitlines() if "-->" in line]
    assert arrows[0].startswith("    OrderCreated -- inventory -->")

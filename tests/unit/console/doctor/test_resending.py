"""The doctor resends lost events once, and leaves events under way alone."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from console.audit import audit
from console.doctor.checkups import CheckupRunning, check_up
from console.models import Checkup, Repair
from inventory.services import adjust_stock
from shop.messaging.models import DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from shop.messaging.relay.relay import connect
from shop.settings import CONTEXTS
from tests.support.inprocess import deliver_all
from tests.unit.console.damage import (
    NOW,
    READERS,
    deliver_without,
    let_hours_pass,
    lose_outbox,
    lose_timers,
    repair,
    states,
)

GRACE = timedelta(minutes=5)


def test_events_that_were_lost_are_resent_and_the_order_finishes(shop):
    order = shop.place()
    lose_outbox()
    assert states(repair()) == {("lost", "repaired")}
    assert Repair.objects.count() == len(READERS)

    shop.run_to_end()
    shop.expect_status(order, "delivered")
    assert repair().outcomes == []
    assert audit(idle=True).holds


def test_a_lost_event_about_a_product_is_not_said_to_be_about_an_order(shop):
    product = adjust_stock(sku="MUG", quantity=3, reason="a delivery")
    lose_outbox()
    (problem,) = [text for text in map(str, audit().violations) if "StockAdjusted" in text]
    assert f"of product {product.pk}" in problem
    ((finding, _),) = repair().outcomes
    assert f"StockAdjusted.v1 of product {product.pk}" in finding.message
    assert {finding.order_id, *Repair.objects.values_list("order_id", flat=True)} == {None}


@pytest.mark.parametrize("queue", sorted(set(CONTEXTS) - {"integrations"}))
def test_whatever_queue_lost_everything_every_order_finishes(shop, queue):
    orders = {shop.place(): "delivered", shop.place(street="EZ6000000006"): "cancelled"}
    orders[shop.place(pays_with="pm_card_visa_chargeDeclined")] = "cancelled"
    deliver_without(queue, reminders=True)
    lose_timers()
    assert not audit().holds

    for _ in range(3):
        repair()
        shop.run_to_end()
    for order, status in orders.items():
        shop.expect_status(order, status)
    assert repair().outcomes == []
    assert audit(idle=True).holds


def test_only_the_consumer_that_misses_an_event_gets_it_again(shop):
    order = shop.delivered()
    InboxEntry.objects.filter(consumer="analytics.when_order_shipped_count_it").delete()
    repair()
    (entry,) = OutboxEntry.objects.all()
    assert (entry.queue, entry.type) == ("analytics.events", "shipping.OrderShipped.v2")
    assert entry.body.count(str(order.pk)) == 2


def test_a_second_doctor_a_moment_later_resends_nothing(shop):
    shop.place()
    let_hours_pass()
    lose_outbox()
    assert ("lost", "repaired") in states(repair(GRACE))
    lose_outbox()  # it waits in the broker now
    assert ("lost", "under way") in states(repair(GRACE))
    assert OutboxEntry.objects.count() == 0


def test_an_event_that_is_swallowed_again_and_again_is_left_to_a_person(shop):
    shop.place()
    for _ in range(3):
        lose_outbox()
        assert states(repair()) == {("lost", "repaired")}
    lose_outbox()
    assert states(repair()) == {("lost", "left")}
    assert OutboxEntry.objects.count() == 0


def test_what_is_young_waits_or_is_an_operators_is_not_resent(shop):
    order = shop.place()
    assert states(repair(GRACE)) == {("inbox", "under way")}, "it is in the outbox"
    entry = OutboxEntry.objects.get()
    lose_outbox()
    assert states(repair(GRACE)) == {("inbox", "under way")}, "it is young"

    for app in set(READERS) - {"analytics", "notifications"}:
        ScheduledMessage.objects.create(
            kind="retry", app=app, type=entry.type, message_id=entry.message_id, aggregate_id=order.pk,
            body=entry.body, due_at="2030-01-01T00:00Z",
        )  # fmt: skip
    DeadLetter.objects.create(
        cause="crashed", app="notifications", body=entry.body, error_type="RuntimeError", error="killed"
    )
    lost = [finding.subject for finding, _ in repair().outcomes if finding.kind == "lost"]
    assert lost == ["analytics.when_order_created_count_what_was_ordered"]


def test_a_dead_letter_is_an_operators_business(shop):
    order = shop.delivered()
    inbox = InboxEntry.objects.get(consumer="notifications.when_order_shipped_tell_customer")
    DeadLetter.objects.create(
        cause="failed", app="notifications", consumer=inbox.consumer, event_id=inbox.event_id, body="{}",
        type="shipping.OrderShipped.v2", aggregate_id=order.pk, error_type="SMTPException", error="no",
    )  # fmt: skip
    inbox.delete()
    assert states(repair()) == {("dead", "left")}


def test_a_dry_run_says_what_it_would_do_and_does_nothing(shop):
    shop.place()
    lose_outbox()
    result = check_up(by="dora", repair=False, grace=NOW)
    assert states(result) == {("lost", "repairable")}
    assert result.outcomes[0][1].message.startswith("resend 1 to ")
    assert OutboxEntry.objects.count() == Repair.objects.count() == 0


def test_two_doctors_do_not_work_at_once(shop):
    with connect() as session:
        session.execute("SELECT pg_advisory_lock(hashtextextended('console:doctor', 0))")
        with pytest.raises(CheckupRunning):
            repair()
        with pytest.raises(CommandError, match="Another check-up is running"):
            call_command("audit", repair=True)
    deliver_all()
    repair()


def test_the_command_says_what_it_found_and_did_and_exits_with_3_and_then_0(shop):
    shop.place()
    lose_outbox()
    text, code = audit_command("--dry-run", "--grace", "0")
    assert "repairable: resend 1 to payments.events" in text
    text, code = audit_command("--repair", "--grace", "0")
    assert "payments.when_order_created_charge_customer: never took 1 event," in text
    assert "repaired: resent 1 to payments.events" in text
    assert f"Findings: {len(READERS)} ({len(READERS)} repaired)" in text
    assert code == 3
    shop.run_to_end()
    text, code = audit_command("--repair", "--grace", "0")
    assert "All invariants hold." in text
    assert code == 0
    assert list(Checkup.objects.order_by("pk").values_list("repairing", "repaired")) == [
        (False, len(READERS)), (True, len(READERS)), (True, 0),
    ]  # fmt: skip


def audit_command(*arguments: str) -> tuple[str, int]:
    """Run ``manage.py audit`` and return its output and exit code."""
    out = StringIO()
    try:
        call_command("audit", *arguments, stdout=out)
    except SystemExit as exit_:
        return out.getvalue(), int(exit_.code or 0)
    return out.getvalue(), 0

"""Bulk actions: asked for what is legal alone, run once for each order, with an outcome for each."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.urls import reverse

from orders import admin_actions, tasks
from orders.admin_actions import ACTIONS
from orders.bulk import services
from orders.models import BulkAction, BulkActionRow, Order
from tests.support import outcomes
from tests.support.rights import permissions_named

LIST = "admin:orders_order_changelist"


@pytest.fixture
def bulk(db, place, olga):
    """An action on three orders, of which the last has left."""
    orders = [place(), place(), place()]
    outcomes.record_shipments(order_ids=[orders[2].pk])
    return services.prepare(action="cancel", orders=orders, given={}, by=olga)


@pytest.fixture
def sent(monkeypatch):
    """Ids of the actions that workers are told of."""
    told = []
    monkeypatch.setattr(services, "start", told.append)
    return told


def states(bulk):
    return [(row.state, row.detail) for row in bulk.rows.all()]


def requested(said, bulk):
    return [said(row.order) for row in bulk.rows.all()]


def test_each_order_has_an_outcome_and_an_entry_in_the_journal(bulk, said):
    assert services.run(bulk_id=bulk.pk)
    number = bulk.rows.last().order.number
    assert states(bulk) == [
        *[("done", "The cancellation is on its way.")] * 2,
        ("refused", f"{number} is shipped: it is too late to cancel it."),
    ]
    assert requested(said, bulk)[:2] == [["OrderCancellationRequested"]] * 2
    assert {entry.user.username for entry in LogEntry.objects.all()} == {"olga"}
    assert LogEntry.objects.count() == 2


def test_a_run_that_dies_leaves_the_rest_and_the_next_one_acts_on_each_once(bulk, said, monkeypatch):
    real, calls = ACTIONS["cancel"].service, []

    def dies(order_id, given):
        order = real(order_id, given)
        calls.append(order_id)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return order

    monkeypatch.setitem(admin_actions.ACTIONS, "cancel", ACTIONS["cancel"]._replace(service=dies))
    with pytest.raises(KeyboardInterrupt):
        services.run(bulk_id=bulk.pk)
    assert bulk.counts == {"waiting": 2, "done": 1, "refused": 0, "failed": 0}
    assert requested(said, bulk)[:2] == [["OrderCancellationRequested"], []]
    tasks.run_bulk_action(str(bulk.pk))
    assert bulk.counts == {"waiting": 0, "done": 2, "refused": 1, "failed": 0}
    assert requested(said, bulk)[:2] == [["OrderCancellationRequested"]] * 2
    assert len(calls) == 3


@pytest.mark.django_db(transaction=True)
def test_runs_beside_each_other_share_the_orders(bulk, said, monkeypatch):
    real, both, calls = ACTIONS["cancel"].service, Barrier(2, timeout=20), []

    def meets(order_id, given):
        calls.append(order_id)
        if len(calls) <= 2:
            both.wait()
        return real(order_id, given)

    def run(_):
        try:
            return services.run(bulk_id=bulk.pk)
        finally:
            connection.close()

    monkeypatch.setitem(admin_actions.ACTIONS, "cancel", ACTIONS["cancel"]._replace(service=meets))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, range(2))) == [True, True]
    assert sorted(calls) == sorted(bulk.rows.values_list("order", flat=True))
    assert bulk.counts == {"waiting": 0, "done": 2, "refused": 1, "failed": 0}
    assert LogEntry.objects.count() == 2


def test_a_failure_is_the_outcome_of_its_order_alone(bulk, monkeypatch, caplog):
    culprit = bulk.rows.first().order_id
    real = ACTIONS["cancel"].service

    def fails(order_id, given):
        real(order_id, given)
        if order_id == culprit:
            raise ZeroDivisionError
        return Order.objects.get(pk=order_id)

    monkeypatch.setitem(admin_actions.ACTIONS, "cancel", ACTIONS["cancel"]._replace(service=fails))
    services.run(bulk_id=bulk.pk)
    assert [state for state, _ in states(bulk)] == ["failed", "done", "refused"]
    assert Order.objects.get(pk=culprit).status == "placed"
    assert "ZeroDivisionError" in caplog.text


def test_a_slice_of_time_leaves_the_rest_to_the_next_run(bulk, monkeypatch):
    monkeypatch.setattr(services, "TIME_SLICE", -1)
    assert not services.run(bulk_id=bulk.pk)
    assert bulk.counts["waiting"] == 2


def test_who_lost_the_right_meanwhile_does_nothing(bulk, olga):
    olga.is_superuser = False
    olga.save()
    services.run(bulk_id=bulk.pk)
    assert bulk.counts["refused"] == 3
    assert not Order.objects.filter(status="cancelling").exists()


@pytest.mark.django_db(transaction=True)
def test_the_list_asks_and_leaves_out_what_is_not_legal(client, olga, place, sent):
    orders = [place(), place()]
    outcomes.record_shipments(order_ids=[orders[1].pk])
    client.force_login(olga)
    chosen = {"action": "cancel_selected", "_selected_action": [order.pk for order in orders]}
    asked = client.post(reverse(LIST), chosen)
    assert asked.context["orders"] == [orders[0]]
    assert asked.context["refusals"] == [f"{orders[1].number} is shipped: it is too late to cancel it."]
    assert not BulkAction.objects.exists()

    answer = client.post(reverse(LIST), chosen | {"confirmed": "yes"})
    bulk = BulkAction.objects.get()
    assert answer.url == reverse("admin:orders_bulkaction_change", args=[bulk.pk])
    assert sent == [bulk.pk]
    assert list(bulk.rows.values_list("order", flat=True)) == [orders[0].pk]
    page = client.get(answer.url).content.decode()
    assert 'http-equiv="refresh"' in page
    assert "0 of 1" in page
    services.run(bulk_id=bulk.pk)
    page = client.get(answer.url).content.decode()
    assert 'http-equiv="refresh"' not in page
    assert "The cancellation is on its way." in page


@pytest.mark.django_db(transaction=True)
def test_a_reason_is_asked_for_and_kept(client, olga, order, sent, monkeypatch):
    Order.objects.filter(pk=order.pk).update(
        status="needs_attention", attention_reason="delivery_failed", attention_stage="shipped"
    )
    client.force_login(olga)
    chosen = {"action": "settle_selected", "_selected_action": [order.pk], "confirmed": "yes"}
    assert client.post(reverse(LIST), chosen | {"reason": " "}).context["form"].errors
    client.post(reverse(LIST), chosen | {"reason": "agreed by phone"})
    assert BulkAction.objects.get().given == {"reason": "agreed by phone"}
    services.run(bulk_id=BulkAction.objects.get().pk)
    assert Order.objects.get().status == "settled"


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_it_waits_until_somebody_goes_on(client, olga, bulk, monkeypatch):
    def refused(bulk_id):
        raise OSError("no broker")

    monkeypatch.setattr(services, "start", refused)
    client.force_login(olga)
    url = reverse("admin:orders_bulkaction_go_on", args=[bulk.pk])
    page = client.post(url, follow=True).content.decode()
    assert "No worker could be told" in page
    assert bulk.counts["waiting"] == 3


def test_going_on_needs_the_right_to_the_action(client, bulk, olga):
    olga.is_superuser = False
    olga.save()
    olga.user_permissions.set(permissions_named("orders.view_bulkaction"))
    olga.is_staff = True
    olga.save()
    client.force_login(olga)
    assert client.post(reverse("admin:orders_bulkaction_go_on", args=[bulk.pk])).status_code == 403
    assert BulkActionRow.objects.filter(state="waiting").count() == 3

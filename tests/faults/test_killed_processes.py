"""SIGKILL of processes in the middle of their work: the work is done, and done once."""

import signal
from uuid import UUID

import pytest

from dev.processes import children
from shop.settings import SHOP_EVENTS_PER_MESSAGE as BUNDLE
from tests.faults.damage import charges, consumed, dead_letters
from tests.support.deployment import APPS, RELAY, Deployment

CHARGING = "payments.when_order_created_charge_customer"


def charged_and_not_recorded(shop: Deployment) -> bool:
    """Return True if the gateway holds a customer's money and payments has not recorded it."""
    query = (
        "select from payments_simulatedcharge charge join payments_payment payment using (order_id)"
        " where charge.status = 'requires_capture' and payment.state = 'processing'"
    )
    return bool(shop.rows(query))


def expect_all_done_once(shop: Deployment, orders: list) -> None:
    shop.wait_for_status(orders, "delivered")
    shop.audit()
    assert charges(shop, orders) == len(orders)
    assert dead_letters(shop) == []


@pytest.mark.parametrize("victim", ["child", "main process"])
def test_a_worker_killed_after_the_gateway_charged_charges_nobody_again(
    shop: Deployment, victim: str
) -> None:
    # The charge is made, its answer lost, and asking for it takes long: there is time to kill.
    shop.break_gateway("slow", "find", seconds=30, calls=2)
    orders: list[UUID] = []

    def both_are_asking() -> bool:
        orders.append(shop.place_order(payment_method="pm_card_timeoutAfterCharge"))
        return charged_and_not_recorded(shop) and not _calls_left(shop)

    shop.wait_until(both_are_asking)

    for worker in (APPS, "rivals"):
        if victim == "child":
            shop.kill_worker_child(worker)
        else:
            shop.kill_worker(worker)

    expect_all_done_once(shop, orders)


def _calls_left(shop: Deployment) -> int:
    return int(shop.rows("select coalesce(sum(calls_left), 0) from payments_gatewayfault")[0][0])


def test_a_worker_killed_while_the_parcel_is_booked_books_one_parcel(shop: Deployment) -> None:
    shop.break_carrier("slow", "find_booking", seconds=30, calls=1)
    orders = [shop.place_order(street="EZ_TIMEOUT Street") for _ in range(4)]
    shop.wait_until(lambda: shop.rows("select from shipping_carrierfault where calls_left = 0"))

    shop.kill_worker_child(APPS)
    shop.kill_worker_child("rivals")

    expect_all_done_once(shop, orders)


def test_a_worker_whose_process_is_killed_while_it_waits_for_work_goes_on(shop: Deployment) -> None:
    shop.stop_workers("rivals")
    expect_all_done_once(shop, [shop.place_order()])  # and now the shop is idle

    shop.kill_worker_child(APPS)

    expect_all_done_once(shop, [shop.place_order()])
    shop.start_workers("rivals")


@pytest.mark.parametrize("running_shop", ["rabbitmq"], indirect=True)  # elsewhere events travel alone
def test_a_bundle_that_a_killed_worker_has_consumed_in_part_comes_again(shop: Deployment) -> None:
    shop.stop_workers(RELAY, "rivals")
    shop.break_gateway("slow", "authorise", seconds=0.5)
    orders = [shop.place_order() for _ in range(BUNDLE)]
    shop.start_workers(RELAY)
    shop.wait_until(lambda: shop.rows("select from payments_payment where state = 'processing'"))
    shop.kill_worker_child(APPS)  # its batch is split: each event may be the cause
    shop.wait_until(lambda: consumed(shop, orders, CHARGING) > 2, what="a part is consumed")
    shop.kill_worker(APPS)
    shop.mend_providers()

    assert consumed(shop, orders, CHARGING) < len(orders)
    expect_all_done_once(shop, orders)
    shop.start_workers("rivals")


def test_a_relay_killed_between_publish_and_delete_publishes_again_and_all_is_done_once(
    shop: Deployment,
) -> None:
    shop.stop_workers(RELAY)
    orders = [shop.place_order() for _ in range(5)]
    with shop.holding("select id from messaging_outboxentry for update") as locked:
        shop.start_workers(RELAY)
        shop.wait_until(lambda: consumed(shop, orders, CHARGING) == len(orders), what="all published")
        shop.wait_until(lambda: _blocked_delete(shop), what="the relay deletes")
        shop.kill_relay()
        shop.wait_for_end(RELAY)
        # Its session does not notice; once it got the locks, it would delete after all.
        shop.rows("select pg_terminate_backend(%s, 5000)", _blocked_delete(shop))
    ids = [entry_id for (entry_id,) in locked]
    left = shop.rows("select count(*) from messaging_outboxentry where id = any(%s)", ids)
    assert left == [(len(ids),)], "all that was published is still to be published"

    expect_all_done_once(shop, orders)


def _blocked_delete(shop: Deployment) -> int | None:
    """Return the pid of the session that waits to delete published entries."""
    query = (
        "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and query like 'DELETE FROM messaging_outboxentry%%'"
    )
    return next((pid for (pid,) in shop.rows(query)), None)


def test_web_server_and_relay_killed_at_once_lose_no_accepted_order(shop: Deployment) -> None:
    orders = [shop.place_order() for _ in range(5)]
    children.send(shop.supervisor["web"].child, signal.SIGKILL)
    shop.kill_relay()
    shop.wait_for_end("web")
    shop.supervisor.tend()
    shop.supervisor.wait_ready()
    orders += [shop.place_order() for _ in range(5)]

    expect_all_done_once(shop, orders)

"""Workers that are down, compete or shut down lose no event and repeat no effect."""

import re
import signal
from uuid import UUID

from dev.processes import children
from shop.settings import CONTEXTS
from tests.acceptance.seen import messages
from tests.faults.load import Customers
from tests.support.deployment import RELAY, Deployment

#: Calls for which the gateway is slow: it counts them down.
CALLS = 1000
#: Workers of the deployment.
WORKERS = (RELAY, *CONTEXTS)
#: Seconds in which a worker has to stop. A supervisor's grace period is longer: it allows for a task that
#: takes all the time that tasks have.
STOP_TIME = 40


def test_contexts_that_are_down_delay_their_parts_and_lose_nothing(shop: Deployment) -> None:
    stopped = {"payments", "shipping", "notifications"}
    shop.wait_until(lambda: stopped < _reported(shop), what="all workers have said that they are alive")
    shop.stop_workers(*stopped)
    shop.wait_until(lambda: not stopped & _reported(shop), what="they have taken themselves off the list")
    orders = [shop.place_order() for _ in range(5)]

    shop.start_workers("payments")
    shop.wait_for_status(orders, "in_fulfilment")
    shop.start_workers("shipping")
    shop.wait_for_status(orders, "delivered")
    assert not any(messages(shop, order_id) for order_id in orders)

    shop.start_workers("notifications")
    shop.audit()
    assert all(len(messages(shop, order_id)) == 4 for order_id in orders)


def test_several_workers_of_one_app_share_its_work_and_do_nothing_twice(shop: Deployment) -> None:
    others = ["payments-2", "payments-3"]
    for name in others:
        shop.start_worker(name, ["payments"], "-l", "INFO")
    shop.break_gateway("slow", "authorise", seconds=0.1, calls=CALLS)

    orders: list[UUID] = []

    def each_has_charged() -> bool:
        # Events travel in bundles and the quickest worker takes a bundle: several rounds may be needed.
        orders.extend(shop.place_order() for _ in range(10))
        return all(_has_charged(shop, name) for name in others)

    shop.wait_until(each_has_charged, what="each worker has charged somebody")
    shop.wait_for_status(orders, "delivered")
    shop.audit()
    shop.stop_workers(*others)

    assert CALLS - _calls_left(shop) == len(orders)


def test_a_worker_that_is_asked_to_stop_finishes_what_it_has_begun(shop: Deployment) -> None:
    shop.break_gateway("slow", "authorise", seconds=0.4, calls=CALLS)
    orders = [shop.place_order() for _ in range(6)]
    shop.wait_until(lambda: _calls_left(shop) < CALLS - 1)

    said = len(shop.log("payments"))
    children.send(shop.supervisor["payments"].child, signal.SIGTERM)
    shop.wait_until(lambda: "Warm shutdown" in shop.log("payments")[said:], what="payments has heard it")
    orders += [shop.place_order() for _ in range(6)]
    shop.wait_for_end("payments")
    begun = CALLS - _calls_left(shop)
    finished = shop.rows(
        "select count(*) from payments_payment where state <> 'processing' and order_id = any(%s)", orders
    )
    assert 0 < begun < len(orders), "it begins nothing that comes after it was asked"
    assert finished == [(begun,)], "it did not stop in the middle of a charge"

    shop.wait_for_status(orders, "delivered")
    shop.audit()
    assert CALLS - _calls_left(shop) == len(orders), "what had been begun did not have to be done again"


def test_workers_that_are_stopped_under_load_end_in_time_and_nothing_is_lost_or_done_twice(
    shop: Deployment,
) -> None:
    shop.break_gateway("slow", "authorise", seconds=0.05, calls=CALLS)
    with Customers(shop, pause=0.1) as customers:
        shop.wait_until(lambda: _calls_left(shop) < CALLS - 3, what="payments are charged")
        for name in WORKERS:
            children.send(shop.supervisor[name].child, signal.SIGTERM)
        for name in WORKERS:
            shop.wait_for_end(name, within=STOP_TIME)
        placed = len(customers.accepted)
        shop.wait_until(lambda: customers.have_placed(placed + 3))

    assert customers.refusals == []
    shop.wait_for_status(customers.accepted, "delivered")
    shop.audit()
    assert CALLS - _calls_left(shop) == len(customers.accepted)


def test_a_probe_finds_a_worker_that_has_stopped_moving(shop: Deployment) -> None:
    names = (RELAY, "payments")
    for name in names:
        shop.wait_until(lambda name=name: shop.probe(name).stdout == "ok\n", what=f"{name} is well")
        children.send(shop.supervisor[name].child, signal.SIGSTOP)
    try:
        for name, loops in zip(names, ({"relay", "worker"}, {"worker"}), strict=True):
            shop.wait_until(lambda name=name, loops=loops: _stuck_loops(shop, name) == loops)
    finally:
        for name in names:
            children.send(shop.supervisor[name].child, signal.SIGCONT)
    for name in names:
        shop.wait_until(lambda name=name: not _stuck_loops(shop, name))


def _reported(shop: Deployment) -> set[str]:
    """Return the queues of the workers that have reported."""
    return {queues for (queues,) in shop.rows("select queues from messaging_workernode")}


def _stuck_loops(shop: Deployment, name: str) -> set[str]:
    shop.supervisor.sleep(0.5)  # a probe costs more CPU than what it asks
    done = shop.probe(name, "--max-age", "2.5")
    assert done.returncode == (1 if done.stderr else 0)
    return set(re.findall(r"The loop of (\w+) has not moved", done.stderr))


def _has_charged(shop: Deployment, worker: str) -> bool:
    log = shop.log(worker).splitlines()
    return any("when_order_created_charge_customer" in line and "succeeded" in line for line in log)


def _calls_left(shop: Deployment) -> int:
    return int(shop.rows("select calls_left from payments_gatewayfault")[0][0])

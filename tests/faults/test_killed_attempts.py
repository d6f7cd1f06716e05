"""SIGKILL between the provider's answer and the commit, at another attempt to pay and at a confirmation."""

from uuid import UUID

import pytest

from dev.load import bank
from tests.faults.damage import charges, dead_letters
from tests.support.deployment import APPS, Deployment

# Both workers consume; the bus makes no difference to what is killed here.
pytestmark = pytest.mark.parametrize("running_shop", ["rabbitmq"], indirect=True)

DECLINED, ASKS = "pm_card_visa_chargeDeclined", "pm_card_authenticationRequired"
#: Held, and then the answer is lost: the shop asks for the outcome.
ANSWER_LOST = "pm_card_timeoutAfterCharge"


def kill_who_asks(shop: Deployment, order_id: UUID, *, known: str) -> None:
    """Kill the pools once the provider holds the money and a worker asks for the outcome that it lacks."""
    held_in_vain = (
        "select from payments_simulatedcharge charge join payments_payment payment using (order_id)"
        " where order_id = %s and charge.status = 'requires_capture' and payment.state = %s"
        " and (select coalesce(sum(calls_left), 0) from payments_gatewayfault) = 0"
    )
    shop.wait_until(lambda: shop.rows(held_in_vain, order_id, known), what="it asks for the outcome")
    shop.kill_worker_child(APPS)
    shop.kill_worker_child("rivals")


def due(shop: Deployment, order_id: UUID, status: str) -> str:
    """Wait until the order asks its customer for something; return the page to confirm on, if any."""
    path = f"/api/v1/orders/{order_id}"

    def asks() -> bool:
        payment = shop.api().get(path)["payment"]
        return bool(payment) and payment["status"] == status

    shop.wait_until(asks, what=status)
    return str(shop.api().get(path)["payment"]["confirm_url"])


def expect_paid_once(shop: Deployment, order_id: UUID, *, charges_made: int) -> None:
    shop.wait_for_status([order_id], "delivered")
    shop.audit()
    made = "select count(*) from payments_simulatedcharge where order_id = %s"
    assert shop.rows(made, order_id) == [(charges_made,)]
    assert charges(shop, [order_id]) == 1
    assert dead_letters(shop) == []


def test_a_worker_killed_in_another_attempt_takes_the_money_once(shop: Deployment) -> None:
    order_id = shop.place_order(payment_method=DECLINED, retry_payment=True)
    due(shop, order_id, "requires_payment_method")
    shop.break_gateway("slow", "find", seconds=30, calls=1)
    path, body = f"/api/v1/orders/{order_id}/payments", {"payment_method": ANSWER_LOST}
    shop.api().post(path, body, Idempotency_Key=f"{order_id}-again")

    kill_who_asks(shop, order_id, known="processing")
    expect_paid_once(shop, order_id, charges_made=2)


def test_a_worker_killed_over_a_confirmation_takes_the_money_once(shop: Deployment) -> None:
    order_id = shop.place_order(payment_method=ASKS)
    page = due(shop, order_id, "requires_action")
    shop.break_gateway("slow", "find", seconds=30, calls=1)
    bank.confirm(shop.port, page)

    kill_who_asks(shop, order_id, known="requires_action")
    expect_paid_once(shop, order_id, charges_made=1)

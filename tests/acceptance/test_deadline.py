"""Payment deadline: an overdue order is cancelled, and a late payment is released."""

from collections.abc import Callable

from tests.acceptance.seen import causes, money
from tests.support.deployment import Deployment
from tests.support.servers import Broker

HELD = "select from payments_simulatedcharge where order_id = %s and status = 'requires_capture'"
STOPPED = "select count(*) from payments_payment where stop_reason != ''"


def test_an_unpaid_order_is_cancelled_after_its_deadline_and_late_money_released(
    deploy: Callable[..., Deployment], broker: Broker
) -> None:
    with deploy(broker, SHOP_PAYMENT_DEADLINE_SECONDS="1.5") as shop:
        shop.break_gateway("timeout", "authorise")
        shop.break_gateway("outage", "find")
        shop.break_gateway("outage", "cancel")
        late = shop.place_order()
        shop.wait_until(lambda: shop.rows(HELD, late))
        shop.execute("update payments_gatewayfault set kind = 'outage'")
        unpaid = shop.place_order()
        shop.wait_for_status([late, unpaid], "cancelling")
        shop.wait_until(lambda: shop.rows(STOPPED) == [(2,)], what="payments has heard of it")

        shop.mend_providers()
        shop.wait_for_status([late, unpaid], "cancelled")
        shop.audit()

        assert "PaymentVoided" in causes(shop, unpaid)
        assert money(shop, unpaid) == (0, 0)
        assert "PaymentVoided" in causes(shop, late)
        assert money(shop, late) == (0, 0)
        assert not shop.rows(HELD, late)
        reasons = shop.rows("select distinct cancel_reason from orders_order")
        assert reasons == [("payment_overdue",)]

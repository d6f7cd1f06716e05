"""Payment deadline: an overdue order is cancelled, and a late payment is refunded."""

from collections.abc import Callable

from tests.acceptance.seen import causes, money
from tests.support.deployment import Deployment
from tests.support.servers import Broker

STOPPED = "select count(*) from payments_payment where stop_reason != ''"


def test_an_unpaid_order_is_cancelled_after_its_deadline_and_late_money_given_back(
    deploy: Callable[..., Deployment], broker: Broker
) -> None:
    with deploy(broker, SHOP_PAYMENT_DEADLINE_SECONDS="1.5") as shop:
        shop.break_gateway("timeout", "charge")
        shop.break_gateway("outage", "find_charge")
        shop.break_gateway("outage", "cancel_charge")
        late = shop.place_order()
        shop.wait_until(lambda: money(shop, late) == (1250, 0))
        shop.execute("update payments_gatewayfault set kind = 'outage'")
        unpaid = shop.place_order()
        shop.wait_for_status([late, unpaid], "cancelling")
        shop.wait_until(lambda: shop.rows(STOPPED) == [(2,)], what="payments has heard of it")

        shop.mend_providers()
        shop.wait_for_status([late, unpaid], "cancelled")
        shop.audit()

        assert "PaymentVoided" in causes(shop, unpaid)
        assert money(shop, unpaid) == (0, 0)
        assert {"PaymentProcessed", "PaymentRefunded"} <= set(causes(shop, late))
        assert money(shop, late) == (1250, 1250)
        reasons = shop.rows("select distinct cancel_reason from orders_order")
        assert reasons == [("payment_overdue",)]

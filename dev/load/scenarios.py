"""Scenarios of an order: inputs for the simulated providers, and the outcomes they lead to."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.load.generator import CustomerOrder

_CUSTOMER_CANCELS = "cancelled (customer)"
#: What happens to a delivered order: staff gives the price of a piece back, or takes a piece back.
GIVE_BACK_PART, SEND_BACK = "give back part", "send back"


@dataclass(frozen=True)
class Scenario:
    """Inputs of an order and its allowed outcomes."""

    name: str
    outcomes: frozenset[str]
    #: Share in percent.
    share: int
    payment_method: str = "pm_card_visa"
    street: str = "Karl-Liebknecht-Straße 7"
    sold_out: bool = False
    cancel_after: str | None = field(default=None)
    #: The customer confirms at the bank.
    confirms: bool = False
    #: Means of payment after a decline; empty: a decline is final.
    pays_otherwise: str = ""
    #: A product of it has to come in first.
    awaits_goods: bool = False
    #: What happens to it after its delivery; empty: nothing.
    afterwards: str = ""


def _scenario(name: str, share: int, *outcomes: str, **inputs: Any) -> Scenario:
    return Scenario(name, frozenset(outcomes), share, **inputs)


_REFUSED_BY_CARRIER = "Am Hafen EZ6000000006"
SCENARIOS = (
    _scenario("paid, packed, delivered", 30, "delivered"),
    _scenario(
        "confirmed at the bank",
        2,
        "delivered",
        payment_method="pm_card_authenticationRequired",
        confirms=True,
    ),
    _scenario(
        "declined, then paid by other means",
        2,
        "delivered",
        payment_method="pm_card_visa_chargeDeclined",
        pays_otherwise="pm_card_mastercard",
    ),
    _scenario(
        "reserved, but the gateway timed out", 6, "delivered", payment_method="pm_card_timeoutAfterCharge"
    ),
    _scenario("gateway down twice", 4, "delivered", payment_method="pm_card_gatewayError"),
    _scenario("booked, but the carrier timed out", 6, "delivered", street="Am Hafen EZ_TIMEOUT"),
    _scenario("card declined", 6, "cancelled (payment_failed)", payment_method="pm_card_visa_chargeDeclined"),
    _scenario(
        "insufficient funds",
        5,
        "cancelled (payment_failed)",
        payment_method="pm_card_visa_chargeDeclinedInsufficientFunds",
    ),
    _scenario(
        "expired card", 3, "cancelled (payment_failed)", payment_method="pm_card_chargeDeclinedExpiredCard"
    ),
    _scenario("out of stock", 6, "cancelled (out_of_stock)", sold_out=True),
    _scenario(
        "carrier refuses, refund takes time",
        3,
        "cancelled (shipment_failed)",
        street=_REFUSED_BY_CARRIER,
        payment_method="pm_card_pendingRefund",
    ),
    _scenario(
        "carrier refuses, refund fails",
        3,
        "needs_attention (refund_failed)",
        street=_REFUSED_BY_CARRIER,
        payment_method="pm_card_refundFail",
    ),
    _scenario(
        "out of stock, gateway timed out",
        3,
        "cancelled (out_of_stock)",
        sold_out=True,
        payment_method="pm_card_timeoutAfterCharge",
    ),
    _scenario(
        "left, but the charge fails",
        3,
        "needs_attention (capture_failed)",
        payment_method="pm_card_captureFail",
    ),
    _scenario("carrier refuses", 5, "cancelled (shipment_failed)", street=_REFUSED_BY_CARRIER),
    _scenario(
        "carrier cannot deliver", 3, "needs_attention (delivery_failed)", street="Am Hafen EZ5000000005"
    ),
    # Races between a cancellation and the shipment: either may win.
    _scenario("cancelled at once", 4, _CUSTOMER_CANCELS, "delivered", cancel_after=""),
    _scenario("cancelled when paid", 3, _CUSTOMER_CANCELS, "delivered", cancel_after="PaymentProcessed"),
    _scenario("cancelled when packed", 2, _CUSTOMER_CANCELS, "delivered", cancel_after="InventoryUpdated"),
    _scenario("cancelled too late", 1, "delivered", cancel_after="OrderShipped"),
)
#: Scenarios that need staff, or take their time.
WITH_STAFF = (
    _scenario("paid on the provider's page", 2, "delivered", payment_method="hosted_page", confirms=True),
    _scenario("goods had to come in first", 2, "delivered", awaits_goods=True),
    _scenario("delivered, a part is given back", 2, "delivered, part refunded", afterwards=GIVE_BACK_PART),
    _scenario("delivered, a piece is sent back", 2, "delivered, returned", afterwards=SEND_BACK),
)
#: A product without stock, and one that can be ordered ahead.
SOLD_OUT_SKU, PRE_ORDER_SKU = "SOLD-OUT", "PRE-ORDER"


def draw(count: int, seed: int, among: Sequence[Scenario] = SCENARIOS) -> list[Scenario]:
    """Draw the scenarios of ``count`` orders, shuffled; each occurs at least once if ``count`` allows."""
    chance = random.Random(seed)
    chosen = list(among[:count])
    chosen += chance.choices(among, [scenario.share for scenario in among], k=count - len(chosen))
    chance.shuffle(chosen)
    return chosen


def orders_for(
    scenarios: Sequence[Scenario], *, skus: Sequence[str], tokens: Sequence[str], seed: int, run: str
) -> list[CustomerOrder]:
    """Return an order for each scenario, with random products and customers.

    ``run`` makes the idempotency keys of different runs differ.
    """
    chance = random.Random(seed)
    return [
        CustomerOrder(
            label=scenario.name,
            token=chance.choice(tokens),
            body=_body(scenario, skus, chance),
            idempotency_key=f"{run}-{index}",
            cancel_after=scenario.cancel_after,
            confirms=scenario.confirms,
            pays_otherwise=scenario.pays_otherwise,
            awaits_goods=scenario.awaits_goods,
            afterwards=scenario.afterwards,
        )
        for index, scenario in enumerate(scenarios)
    ]


def _body(scenario: Scenario, skus: Sequence[str], chance: random.Random) -> dict[str, Any]:
    chosen = chance.sample(skus, k=min(len(skus), chance.randint(1, 3)))
    lines = [{"sku": sku, "quantity": chance.randint(1, 3)} for sku in chosen]
    if scenario.sold_out:
        lines.append({"sku": SOLD_OUT_SKU, "quantity": 1})
    if scenario.awaits_goods:
        lines.append({"sku": PRE_ORDER_SKU, "quantity": 1})
    address = {
        "name": "Rosa Klein",
        "street": scenario.street,
        "city": "Berlin",
        "postal_code": "10178",
        "country": "DE",
    }
    order = {"lines": lines, "payment_method": scenario.payment_method, "ship_to": address}
    return order | ({"retry_payment": True} if scenario.pays_otherwise else {})

"""What can become of an order, and how to bring it about: the magic inputs of the simulated providers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dev.load.generator import Wish

_CUSTOMER_CANCELS = "cancelled (customer)"


@dataclass(frozen=True)
class Fate:
    """A kind of order: what it takes to get it, and how it may end."""

    name: str
    outcomes: frozenset[str]
    #: How many of a hundred.
    share: int
    payment_method: str = "pm_card_visa"
    street: str = "Karl-Liebknecht-Straße 7"
    sold_out: bool = False
    cancel_after: str | None = field(default=None)


def _fate(name: str, share: int, *outcomes: str, **inputs: Any) -> Fate:
    return Fate(name, frozenset(outcomes), share, **inputs)


_REFUSED_BY_CARRIER = "Am Hafen EZ6000000006"
FATES = (
    _fate("paid, packed, delivered", 40, "delivered"),
    _fate("charged, but the gateway timed out", 6, "delivered", payment_method="pm_card_timeoutAfterCharge"),
    _fate("gateway down twice", 4, "delivered", payment_method="pm_card_gatewayError"),
    _fate("booked, but the carrier timed out", 6, "delivered", street="Am Hafen EZ_TIMEOUT"),
    _fate("card declined", 6, "cancelled (payment_failed)", payment_method="pm_card_visa_chargeDeclined"),
    _fate(
        "insufficient funds",
        5,
        "cancelled (payment_failed)",
        payment_method="pm_card_visa_chargeDeclinedInsufficientFunds",
    ),
    _fate(
        "expired card", 3, "cancelled (payment_failed)", payment_method="pm_card_chargeDeclinedExpiredCard"
    ),
    _fate("out of stock", 6, "cancelled (out_of_stock)", sold_out=True),
    _fate(
        "out of stock, refund takes time",
        3,
        "cancelled (out_of_stock)",
        sold_out=True,
        payment_method="pm_card_pendingRefund",
    ),
    _fate(
        "out of stock, refund fails",
        3,
        "needs_attention (refund_failed)",
        sold_out=True,
        payment_method="pm_card_refundFail",
    ),
    _fate("carrier refuses", 5, "cancelled (shipment_failed)", street=_REFUSED_BY_CARRIER),
    _fate("carrier cannot deliver", 3, "needs_attention (delivery_failed)", street="Am Hafen EZ5000000005"),
    # From here on it is a race between the customer and the parcel: either may win, but nobody both.
    _fate("cancelled at once", 4, _CUSTOMER_CANCELS, "delivered", cancel_after=""),
    _fate("cancelled when paid", 3, _CUSTOMER_CANCELS, "delivered", cancel_after="PaymentProcessed"),
    _fate("cancelled when packed", 2, _CUSTOMER_CANCELS, "delivered", cancel_after="InventoryUpdated"),
    _fate("cancelled too late", 1, "delivered", cancel_after="OrderShipped"),
)
#: The product of which there is none.
SOLD_OUT_SKU = "SOLD-OUT"


def draw(count: int, seed: int) -> list[Fate]:
    """Choose the fates of ``count`` orders: each at least once if there is room, in a shuffled order."""
    chance = random.Random(seed)
    chosen = list(FATES[:count])
    chosen += chance.choices(FATES, [fate.share for fate in FATES], k=count - len(chosen))
    chance.shuffle(chosen)
    return chosen


def wishes(
    fates: Sequence[Fate], *, skus: Sequence[str], tokens: Sequence[str], seed: int, run: str
) -> list[Wish]:
    """The orders that will meet these fates, of random products and customers; ``run`` tells runs apart."""
    chance = random.Random(seed)
    return [
        Wish(
            label=fate.name,
            token=chance.choice(tokens),
            body=_body(fate, skus, chance),
            idempotency_key=f"{run}-{index}",
            cancel_after=fate.cancel_after,
        )
        for index, fate in enumerate(fates)
    ]


def _body(fate: Fate, skus: Sequence[str], chance: random.Random) -> dict[str, Any]:
    chosen = chance.sample(skus, k=min(len(skus), chance.randint(1, 3)))
    lines = [{"sku": sku, "quantity": chance.randint(1, 3)} for sku in chosen]
    if fate.sold_out:
        lines.append({"sku": SOLD_OUT_SKU, "quantity": 1})
    address = {
        "name": "Rosa Klein",
        "street": fate.street,
        "city": "Berlin",
        "postal_code": "10178",
        "country": "DE",
    }
    return {"lines": lines, "payment_method": fate.payment_method, "ship_to": address}

"""HTTP requests of customers: orders of one to three products, as raw bytes."""

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

from dev.processes.ports import LOOPBACK

ADDRESS = {
    "name": "Rosa Klein",
    "street": "Am Markt 1",
    "city": "Berlin",
    "postal_code": "10178",
    "country": "DE",
}
PAYMENT_METHOD = "pm_card_visa"


def lines(chance: random.Random, skus: Sequence[str]) -> list[dict[str, Any]]:
    """Return random order lines."""
    wanted = chance.sample(skus, k=chance.randint(1, 3))
    return [{"sku": sku, "quantity": chance.randint(1, 3)} for sku in wanted]


def write(tokens: Iterable[str], skus: Sequence[str], count: int) -> list[bytes]:
    """Return ``count`` requests of all customers in turn; they are the same in every run."""
    chance, customers = random.Random(count), [*tokens]
    return [_request(customers[n % len(customers)], lines(chance, skus)) for n in range(count)]


def _request(token: str, wanted: list[dict[str, Any]]) -> bytes:
    body = json.dumps({"lines": wanted, "payment_method": PAYMENT_METHOD, "ship_to": ADDRESS}).encode()
    head = (
        f"POST /api/v1/orders HTTP/1.1\r\nHost: {LOOPBACK}\r\nAuthorization: Token {token}\r\n"
        f"Content-Type: application/json\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

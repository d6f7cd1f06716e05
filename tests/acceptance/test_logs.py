"""Logs of a running shop: no personal data, in neither format, whatever fails on an order's way."""

import json
from uuid import UUID

from dev.load.api import Api
from tests.support.deployment import Deployment

#: Words that occur nowhere else, one for each personal field of an order.
CANARIES = {
    "name": "Kanarina Vogelsang",
    "street": "Zeisiggasse 4711",
    "city": "Finkenwerdera",
    "postal_code": "98765",
    "region": "Gimpelland",
    "second_line": "Stieglitzhof",
    "phone": "+49 30 5550199",
}


def test_no_log_line_has_a_personal_word_of_an_order_whatever_fails(shop: Deployment):
    shop.break_gateway("outage", "authorise", calls=9)
    shop.break_carrier("timeout", calls=9)
    delivered = place(shop.api(), "pm_card_visa")
    declined = place(shop.api(), "pm_card_visa_chargeDeclined")
    shop.wait_for_status([delivered], "delivered")
    shop.wait_for_status([declined], "cancelled")
    shop.audit()

    logs = {log.name: log.read_text() for log in (shop.home / "log").glob("*.log")}
    assert any("failed on" in text for text in logs.values()), "the retries of the failures are logged"
    words = [word for words in CANARIES.values() for word in words.split() if len(word) > 3]
    found = {(name, word) for name, text in logs.items() for word in words if word in text}
    assert found == set()
    if shop.env.get("LOG_FORMAT") == "json":
        check_ids(logs["payments.log"])


def check_ids(text: str) -> None:
    """Check that the lines about retries are JSON, with the ids of their orders."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    retried = [line for line in lines if "failed on" in line["message"]]
    assert retried
    assert all(line["order"] and line["event"] and line["correlation_id"] for line in retried)


def place(api: Api, payment_method: str) -> UUID:
    """Place an order whose personal fields are canaries, and return its id."""
    body = {
        "lines": [{"sku": "MUG-BLUE", "quantity": 1}],
        "payment_method": payment_method,
        "ship_to": {**CANARIES, "country": "DE"},
    }
    return UUID(api.post("/api/v1/orders", body)["id"])

"""Requests to the REST API of orders."""

import json

from rest_framework.test import APIClient

ORDERS = "/api/v1/orders"

SHIP_TO = {
    "name": "Ada Lovelace",
    "street": "12 St James's Sq",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
    "second_line": "",
    "region": "",
    "phone": "",
}

BODY = {"lines": [{"sku": "TEAPOT", "quantity": 2}], "ship_to": SHIP_TO, "payment_method": "pm_card_visa"}


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(client, body=BODY, key=None):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return client.post(ORDERS, json.dumps(body), content_type="application/json", headers=headers)

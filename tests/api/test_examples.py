"""The examples of the API's document work as they stand, in a shop with the data of the demonstration."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.architecture.rights.world import undone
from tests.support.openapi import DOCUMENT, OPERATIONS

#: Lists that have the ids of a path, by its beginning, and what to ask them for.
QUERIES = {
    "/api/v1/payments/{id}/refunds": "?refund_state=failed",
    "/api/v1/payments/{id}/capture": "?state=requires_capture",
    "/api/v1/orders/{id}/cancel": "?status=placed",
    "/api/v1/orders/{id}/payments": "?status=placed",
    "/api/v1/orders/{id}/refunds": "?status=needs_attention",
    "/api/v1/orders/{id}/returns": "?status=delivered",
    "/api/v1/orders/{id}/resume": "?status=needs_attention",
    "/api/v1/orders/{id}/settle": "?status=needs_attention",
    "/api/v1/orders/{id}/resend": "?status=needs_attention",
    "/api/v1/orders/{id}/refund-and-settle": "?status=needs_attention",
    "/api/v1/notifications/{id}/resend": "?state=sent",
    "/api/v1/shipments/{id}/label": "?state=shipped",
}


@pytest.fixture
def operator(seeded) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.get(username="operator"))
    return client


def filled(path: str, client: APIClient) -> str:
    """Return the path with the examples of the document, and ids from the lists."""
    for parameter in next(iter(DOCUMENT["paths"][path].values())).get("parameters", ()):
        if parameter["in"] == "path" and "example" in parameter["schema"]:
            path = path.replace(f"{{{parameter['name']}}}", parameter["schema"]["example"])
    if "{id}" in path:
        start = path.partition("/{id}")[0]
        query = next((query for prefix, query in QUERIES.items() if path.startswith(prefix)), "")
        found = client.get(f"{start}{query}").json()["results"]
        paused = [one for one in found if path.endswith("/resume") and one.get("state") == "paused"]
        path = path.replace("{id}", str((paused or found)[0]["id"]))
    if "{return_id}" in path:
        state = "approved" if path.endswith("/receive") else "requested"
        returns = client.get(f"{path.partition('/returns')[0]}/returns").json()
        wanted = next(one["id"] for one in returns if one["state"] == state)
        path = path.replace("{return_id}", wanted)
    if "{refund_id}" in path:
        owner = path.partition("/refunds")[0]
        refunds = client.get(f"{owner}/refunds" if "/orders/" in owner else owner).json()
        refund = (refunds if isinstance(refunds, list) else refunds["refunds"])[0]
        path = path.replace("{refund_id}", refund["id"])
    return path


def bodies(operation: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the examples of a request's body, each with its media type; for none an empty one."""
    if "requestBody" not in operation:
        return [("application/json", "")]
    [(media_type, content)] = operation["requestBody"]["content"].items()
    encode = json.dumps if media_type == "application/json" else str
    return [(media_type, encode(each["value"])) for each in content["examples"].values()]


def test_every_example_of_the_document_works(operator, subtests):
    for name in OPERATIONS:  # in one test, because it takes seconds to make the shop
        with subtests.test(name), undone():
            try_examples(name, operator)


def try_examples(name: str, operator: APIClient) -> None:
    method, path = name.split()
    for number, (media_type, body) in enumerate(bodies(OPERATIONS[name])):
        headers = {"Idempotency-Key": f"example-{number}"} if method != "get" else {}
        response = operator.generic(
            method.upper(),
            filled(path, operator),
            body,
            content_type=media_type,
            headers=headers,
        )
        assert 200 <= response.status_code < 300, response.content

"""Answers of the REST API of endpoints."""

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
PATH = "/api/v1/webhook-endpoints"


@pytest.fixture
def api() -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def made(api) -> dict:
    body = {"url": "https://example.com/hooks", "event_types": ["*"], "contact": "ops@example.com"}
    response = api.post(PATH, body, format="json")
    assert response.status_code == 201, response.content
    return response.json()


def test_the_secret_is_shown_once_and_not_stored_by_caches(api, made):
    assert made["secret"].startswith("whsec_")
    shown = api.get(f"{PATH}/{made['id']}")
    assert shown.status_code == 200
    assert made["secret"] not in shown.content.decode()


def test_a_new_secret_replaces_the_former_one(api, made):
    response = api.post(f"{PATH}/{made['id']}/rotate-secret")
    assert response["Cache-Control"] == "no-store"
    assert response.json()["secret"] != made["secret"]
    assert response.json()["former_secret_ends_at"]


def test_a_change_leaves_what_it_does_not_name(api, made):
    changed = api.patch(f"{PATH}/{made['id']}", {"contact": "it@example.com"}, format="json")
    assert changed.status_code == 200
    assert (changed.json()["contact"], changed.json()["url"]) == ("it@example.com", made["url"])


def test_a_change_of_an_outdated_endpoint_is_refused(api, made):
    path = f"{PATH}/{made['id']}"
    etag = api.get(path)["ETag"]
    headers = {"If-Match": etag}
    assert api.patch(path, {"contact": "a@example.com"}, format="json", headers=headers).status_code == 200
    assert api.patch(path, {"contact": "b@example.com"}, format="json", headers=headers).status_code == 412
    assert api.get(path).json()["contact"] == "a@example.com"


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "ftp://example.com"), ("url", "https://10.0.0.1/x"), ("event_types", ["orders.Unknown.v1"])],
)
def test_what_cannot_be_right_is_refused_by_field(api, made, field, value):
    refused = api.patch(f"{PATH}/{made['id']}", {field: value}, format="json")
    assert refused.status_code == 400
    assert field in refused.content.decode()


def test_a_paused_endpoint_is_resumed_once(api, made):
    path = f"{PATH}/{made['id']}"
    assert api.post(f"{path}/pause").json()["state"] == "paused"
    assert api.post(f"{path}/pause").status_code == 409
    assert api.post(f"{path}/resume", {}, format="json").json()["state"] == "enabled"
    assert api.post(f"{path}/resume", {}, format="json").status_code == 409


def test_a_deleted_endpoint_is_gone(api, made):
    path = f"{PATH}/{made['id']}"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404

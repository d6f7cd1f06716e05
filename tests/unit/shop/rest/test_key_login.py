"""The browsable API takes a bare key, and its session opens no other page."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from shop.accounts import api_keys

pytestmark = pytest.mark.django_db
LOGIN, ORDERS = "/api/auth/key/", "/api/v1/orders"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user(
        "ada", "ada@example.com", "correct horse", is_staff=True, is_superuser=True
    )


def browser_with(text: str, **options) -> Client:
    client = Client(**options)
    assert client.post(LOGIN, {"key": text}).status_code == 302
    return client


def test_a_bare_key_opens_the_browsable_api_and_nothing_else(ada):
    _, text = api_keys.create_key(user=ada, name="browser")
    client = browser_with(text)
    shown = client.get(ORDERS, headers={"Accept": "text/html"})
    assert shown.status_code == 200
    assert "ada" in shown.content.decode()
    assert client.get("/admin/").status_code == 302
    assert client.get("/accounts/").status_code == 302
    assert text not in str(dict(client.session))


def test_the_scopes_of_the_key_hold(ada):
    _, text = api_keys.create_key(user=ada, name="browser", scopes=["orders:read"])
    client = browser_with(text)
    assert client.get(ORDERS).status_code == 200
    assert client.get("/api/v1/payments").status_code == 403
    assert client.get("/api/v1/keys").status_code == 403


def test_the_session_ends_with_the_key(ada):
    key, text = api_keys.create_key(user=ada, name="browser")
    client = browser_with(text)
    api_keys.revoke([key])
    assert client.get(ORDERS).status_code == 401


def test_the_session_ends_with_the_password(ada):
    _, text = api_keys.create_key(user=ada, name="browser")
    client = browser_with(text)
    User.objects.update(password="another")
    assert client.get(ORDERS).status_code == 401


def test_other_sites_cannot_use_the_key_of_a_session(ada):
    _, text = api_keys.create_key(user=ada, name="browser")
    client = browser_with(text)
    client.handler.enforce_csrf_checks = True
    assert client.post("/api/v1/keys", {"name": "x"}, "application/json").status_code == 403


@pytest.mark.parametrize("text", ["", "shop_" + "a" * 51, "x" * 2000])
def test_what_is_no_key_opens_nothing(ada, text):
    client = Client()
    assert client.post(LOGIN, {"key": text}).status_code == 422
    assert client.get(ORDERS).status_code == 401

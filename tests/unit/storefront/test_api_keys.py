"""The page of a customer's own API keys."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from shop.accounts import api_keys
from shop.accounts.models import ApiKey
from tests.support.forms import fields_of
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db
KEYS = "/accounts/keys/"


def opens(key: str) -> bool:
    return APIClient(headers={"Authorization": f"Bearer {key}"}).get("/api/v1/orders").status_code == 200


def test_a_new_key_is_shown_once_and_opens_the_api(customer):
    page = customer.post(KEYS, {"name": "till", "days": "30"})
    (key,) = re.findall("shop_[0-9A-Za-z]{51}", page.content.decode())
    assert "no-store" in page["Cache-Control"]
    assert opens(key)
    again = customer.get(KEYS).content.decode()
    assert key not in again
    assert key[:13] in again


def test_a_key_may_what_is_ticked(customer):
    customer.post(KEYS, {"name": "till", "days": "7", "scopes": ["orders:read"]})
    assert ApiKey.objects.get().scopes == ["orders:read"]


@pytest.mark.parametrize("wrong", [{"name": ""}, {"days": "9999"}, {"scopes": ["orders:all"]}])
def test_a_wrong_form_makes_no_key(customer, wrong):
    assert customer.post(KEYS, {"name": "till", "days": "30", **wrong}).status_code == 422
    assert not ApiKey.objects.exists()


def test_a_form_that_is_sent_twice_makes_one_key(customer):
    key = fields_of(customer.get(KEYS))["attempt"][0]
    wanted = {"name": "till", "days": "30", "attempt": key}
    assert customer.post(KEYS, wanted).status_code == 200
    reloaded = customer.post(KEYS, wanted, follow=True)
    assert ApiKey.objects.count() == 1
    assert "has made a key before" in text_of(reloaded)
    assert key not in reloaded.content.decode()


def test_customers_revoke_their_own_keys_alone(customer, ada, bob):
    mine, text = api_keys.create_key(user=ada, name="mine")
    other, others_text = api_keys.create_key(user=bob, name="bob's")
    assert customer.post(f"{KEYS}{other.pk}/revoke/").status_code == 404
    page = customer.post(f"{KEYS}{mine.pk}/revoke/", follow=True)
    assert "opens nothing any more" in text_of(page)
    assert (opens(text), opens(others_text)) == (False, True)
    assert "bob" not in text_of(page)


def test_keys_take_a_login(client: Client, ada: User):
    assert client.get(KEYS)["Location"] == f"/accounts/login/?next={KEYS}"

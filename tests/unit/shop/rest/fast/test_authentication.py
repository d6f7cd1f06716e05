"""Authentication by API keys: one statement, and a revocation is effective at once."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from shop.accounts import api_keys
from shop.accounts.models import ApiKey
from shop.rest.fast.authentication import TokenAuthentication

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/orders"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", email="ada@example.com", first_name="Ada", last_name="Lovelace")


@pytest.fixture
def text(ada) -> str:
    """Text of a key that was used just now."""
    _, text = api_keys.create_key(user=ada, name="till")
    ApiKey.objects.update(last_used_at=timezone.now())
    return text


def ask(text, scheme="Bearer "):
    return APIClient(headers={"Authorization": f"{scheme}{text}"}).get(ORDERS)


def detail(answer):
    return answer.status_code, answer.json().get("detail")


def test_key_and_owner_are_those_that_the_orm_would_find(text, django_assert_num_queries):
    with django_assert_num_queries(1):
        user, found = TokenAuthentication().authenticate_credentials(text)
        assert found.user is user
    for instance, stored in ((user, User.objects.get()), (found, ApiKey.objects.get())):
        for field in stored._meta.concrete_fields:
            assert getattr(instance, field.attname) == getattr(stored, field.attname)
    assert not user._state.adding


@pytest.mark.parametrize("scheme", ["Bearer ", "Token ", "bearer ", ""])
def test_a_key_opens_the_api_under_each_scheme_and_bare(text, scheme):
    assert ask(text, scheme).status_code == 200


@pytest.mark.parametrize("wrong", ["shop_" + "a" * 51, "a" * 40, "", "ä", "x" * 5000, "two words"])
def test_what_is_no_key_opens_nothing(text, wrong):
    assert detail(ask(wrong)) == (401, "Invalid token.")


def test_a_key_that_only_begins_like_one_opens_nothing(text):
    almost = text[:-1] + ("a" if text[-1] != "a" else "b")
    assert detail(ask(almost)) == (401, "Invalid token.")


def test_a_revoked_key_opens_nothing_from_then_on(text):
    assert ask(text).status_code == 200
    api_keys.revoke(ApiKey.objects.all())
    assert detail(ask(text)) == (401, "Invalid token.")


def test_an_expired_key_opens_nothing(text):
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert detail(ask(text)) == (401, "This key has ended: make a new one.")


def test_a_password_changed_behind_the_back_of_the_models_ends_the_keys(text):
    User.objects.update(password=make_password("another"))
    assert detail(ask(text)) == (401, "This key has ended: make a new one.")


def test_a_deactivated_user_is_out_at_once(text):
    User.objects.update(is_active=False)
    answer = ask(text)
    assert detail(answer) == (401, "User inactive or deleted.")
    assert answer["WWW-Authenticate"] == 'Bearer realm="shop", Token realm="shop"'


def test_the_last_use_is_written_once_a_minute(text, django_assert_num_queries):
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    with django_assert_num_queries(5):  # look-up, use, throttle, claimed guests, orders
        ask(text)
    noted = ApiKey.objects.get().last_used_at
    assert timezone.now() - noted < timedelta(seconds=60)
    with django_assert_num_queries(4):
        ask(text)
    assert ApiKey.objects.get().last_used_at == noted


def test_without_a_key_the_session_counts(ada):
    browser = APIClient()
    browser.force_login(ada)
    assert browser.get(ORDERS).status_code == 200
    assert APIClient().get(ORDERS).status_code == 401

"""Token authentication behaves like DRF's, and a revocation is effective at once."""

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from shop.rest.fast.authentication import TokenAuthentication

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"


@pytest.fixture
def token() -> Token:
    ada = User.objects.create_user("ada", "ada@example.com", first_name="Ada", last_name="Lovelace")
    return Token.objects.create(user=ada)


def ask(key):
    return APIClient(headers={"Authorization": f"Token {key}"}).get(ORDERS)


def test_user_and_token_are_those_that_the_orm_would_find(token, django_assert_num_queries):
    with django_assert_num_queries(1):
        user, found = TokenAuthentication().authenticate_credentials(token.key)
        assert found.user is user
    for instance, stored in ((user, User.objects.get()), (found, Token.objects.get())):
        names = [field.attname for field in instance._meta.concrete_fields]
        assert [getattr(instance, name) for name in names] == [getattr(stored, name) for name in names]
        assert not instance._state.adding


def test_a_token_opens_the_api(token):
    assert ask(token.key).status_code == 200


def test_an_unknown_token_opens_nothing(token):
    answer = ask("f" * 40)
    assert (answer.status_code, answer.json()["detail"]) == (401, "Invalid token.")


def test_a_revoked_token_opens_nothing_from_then_on(token):
    assert ask(token.key).status_code == 200
    token.delete()
    assert ask(token.key).json()["detail"] == "Invalid token."


def test_a_deactivated_user_is_out_at_once(token):
    assert ask(token.key).status_code == 200
    User.objects.update(is_active=False)
    answer = ask(token.key)
    assert (answer.status_code, answer.json()["detail"]) == (401, "User inactive or deleted.")
    assert answer["WWW-Authenticate"] == "Token"


def test_a_session_still_needs_a_csrf_token(token):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(token.user)
    assert browser.post(ORDERS, {}, format="json").status_code == 403

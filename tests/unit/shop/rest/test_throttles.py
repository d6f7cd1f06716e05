"""The REST API counts requests by account and, of strangers, by address; and says what remains."""

import re

import pytest
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from shop.accounts.limits import UNLIMITED

pytestmark = pytest.mark.django_db

PRODUCTS, ORDERS = "/api/v1/products", "/api/v1/orders"


@pytest.fixture(autouse=True)
def _few(settings):
    settings.SHOP_ANONYMOUS_REQUESTS_A_MINUTE, settings.SHOP_REQUESTS_A_MINUTE = 3, 5


@pytest.fixture
def stranger() -> APIClient:
    return APIClient()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def asks(client: APIClient, times: int, address: str = "192.0.2.1", path: str = PRODUCTS) -> list[int]:
    return [client.get(path, REMOTE_ADDR=address).status_code for _ in range(times)]


def test_strangers_are_counted_by_address(stranger):
    assert asks(stranger, 4) == [200, 200, 200, 429]
    assert asks(stranger, 1, "192.0.2.2") == [200]


def test_a_forged_address_is_counted_as_the_real_one(stranger):
    for n in range(3):
        assert stranger.get(PRODUCTS, headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code == 200
    assert stranger.get(PRODUCTS, headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 429


def test_accounts_are_counted_by_account_wherever_they_are(ada):
    as_ada = client_of(ada)
    codes = [asks(as_ada, 1, f"192.0.2.{n}", ORDERS)[0] for n in range(6)]
    assert codes == [200] * 5 + [429]
    assert asks(client_of(User.objects.create_user("bob")), 1, path=ORDERS) == [200]


def test_an_address_full_of_strangers_is_open_to_accounts(stranger, ada):
    asks(stranger, 4)
    assert asks(client_of(ada), 2) == [200, 200]


def test_what_remains_is_in_each_answer(stranger):
    answers = [stranger.get(PRODUCTS) for _ in range(4)]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"anonymous";q=3;w=60'}
    remaining = [re.fullmatch(r'"anonymous";r=(\d);t=\d+', answer["RateLimit"])[1] for answer in answers]
    assert remaining == ["2", "1", "0", "0"]
    assert "Retry-After" not in answers[2]
    refused = answers[3]
    assert 0 < int(refused["Retry-After"]) <= 60
    assert (refused["Content-Type"], refused.json()["code"]) == ("application/problem+json", "throttled")


def test_accounts_of_the_group_are_not_refused(ada):
    ada.groups.add(Group.objects.get_or_create(name=UNLIMITED)[0])
    assert asks(client_of(ada), 7, path=ORDERS) == [200] * 7


def test_zero_is_no_limit_and_counts_nothing(stranger, settings, django_assert_num_queries):
    settings.SHOP_ANONYMOUS_REQUESTS_A_MINUTE = 0
    with django_assert_num_queries(1):
        answer = stranger.get(PRODUCTS)
    assert "RateLimit" not in answer

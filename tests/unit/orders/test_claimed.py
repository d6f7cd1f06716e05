"""Orders of a guest in the REST API of the account that has claimed them."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection

from orders import queries
from orders.models import Order
from shop.accounts import guests
from shop.accounts.api_keys import create_key
from tests.unit.orders.rest import ORDERS, client_of

pytestmark = pytest.mark.django_db
EMAIL = "grace@example.com"


@pytest.fixture
def grace(db) -> User:
    return User.objects.create_user("grace", EMAIL)


@pytest.fixture
def guests_order(place) -> Order:
    return place(customer=guests.guest_for(EMAIL))


@pytest.fixture
def claimed(guests_order, grace) -> Order:
    assert guests.claim(grace)
    return guests_order


def numbers(client, query: str = "") -> list[str]:
    return [row["number"] for row in client.get(f"{ORDERS}{query}").json()["results"]]


def test_an_account_lists_its_own_orders_and_the_claimed_ones(claimed, place, grace, as_bob):
    own = place(customer=grace)
    as_grace = client_of(grace)
    assert numbers(as_grace) == [own.number, claimed.number]
    assert numbers(as_grace, "?status=placed&page_size=1") == [own.number]
    assert numbers(as_bob) == []


def test_a_key_of_the_claimant_reads_the_order(claimed, grace, client):
    _, key = create_key(user=grace, name="till", scopes=["orders:read"])
    header = {"Authorization": f"Bearer {key}"}
    assert client.get(f"{ORDERS}/{claimed.pk}", headers=header).json()["number"] == claimed.number


@pytest.mark.parametrize("path", ["", "/timeline", "/receipt", "/payments", "/returns", "/refunds"])
def test_the_claimant_reads_all_about_it_and_others_nothing(claimed, grace, as_bob, path):
    assert client_of(grace).get(f"{ORDERS}/{claimed.pk}{path}").status_code == 200
    assert as_bob.get(f"{ORDERS}/{claimed.pk}{path}").status_code == 404


def test_the_claimant_cancels_it_as_a_customer_does(claimed, grace, as_bob):
    assert as_bob.post(f"{ORDERS}/{claimed.pk}/cancel").status_code == 404
    assert client_of(grace).post(f"{ORDERS}/{claimed.pk}/cancel").status_code == 202
    claimed.refresh_from_db()
    assert claimed.status == "cancelling"
    assert not LogEntry.objects.exists()


def test_an_order_that_is_not_claimed_is_nobodys(guests_order, grace):
    as_grace = client_of(grace)
    assert numbers(as_grace) == []
    assert as_grace.get(f"{ORDERS}/{guests_order.pk}").status_code == 404


def test_an_order_that_is_not_claimed_is_not_that_of_a_visitor_without_an_account(guests_order):
    assert not guests.is_own(None, guests_order.customer_id)
    assert not Order.objects.filter(guests.owned_by(None)).exists()


def test_an_order_belongs_to_its_claimant_and_others_to_their_customers(claimed, place, bob, grace):
    his, strange = place(customer=bob), place(customer=guests.guest_for("other@example.com"))
    assert queries.customers_of([claimed.pk, his.pk, strange.pk]) == {
        claimed.pk: grace.pk,
        his.pk: bob.pk,
        strange.pk: strange.customer_id,
    }
    assert queries.orders_of(grace.pk) == [claimed.pk]
    assert queries.orders_of(bob.pk) == [his.pk]


def test_claimed_guests_and_their_orders_are_found_by_indexes(claimed, grace):
    mine = Order.objects.filter(customer_id__in=guests.accounts_of(grace.pk)).order_by("-pk")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "accounts_guest_claimed_by_id" in guests.claimed_by(grace.pk).explain()
        assert "order_by_customer" in mine.explain()

"""Address book: several addresses of an account, of which one is the default at the checkout."""

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from console.erasure import exporting, forgetting
from orders.address_book import services
from orders.address_book.queries import addresses_of
from orders.events import Address
from orders.models import SavedAddress
from storefront.forms import REFRESH
from tests.unit.storefront.conftest import LONDON, filled_form, put_into_basket, text_of

pytestmark = pytest.mark.django_db

BERLIN = {
    "name": "Ada Lovelace",
    "street": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}


@pytest.fixture
def save(ada):
    return lambda **facts: services.save_address(customer_id=ada.pk, address=Address(**facts))


def streets(user: User) -> list[str]:
    return [saved.address.street for saved in addresses_of(user.pk)]


def default_of(user: User) -> str:
    (default,) = (saved.address.street for saved in addresses_of(user.pk) if saved.is_default)
    return default


def test_a_customer_adds_changes_and_removes_addresses(customer, ada):
    customer.post("/accounts/addresses/new/", LONDON)
    customer.post("/accounts/addresses/new/", BERLIN)
    assert streets(ada) == [LONDON["street"], BERLIN["street"]]
    assert "Unter den Linden 1 10117 Berlin Germany" in text_of(customer.get("/accounts/addresses/"))
    first, second = (f"/accounts/addresses/{saved.id}/" for saved in addresses_of(ada.pk))
    customer.post(second, {**BERLIN, "street": "Unter den Linden 2"})
    customer.post(f"{first}change/", {"act": "remove"})
    assert streets(ada) == ["Unter den Linden 2"]
    assert default_of(ada) == "Unter den Linden 2"


def test_one_address_is_the_default_one(customer, ada, save):
    save(**LONDON), save(**BERLIN)
    assert default_of(ada) == LONDON["street"]
    berlin = addresses_of(ada.pk)[1].id
    customer.post(f"/accounts/addresses/{berlin}/change/", {"act": "default"})
    assert default_of(ada) == BERLIN["street"]
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedAddress.objects.update(is_default=True)


def test_the_fields_are_those_of_the_country(customer, ada):
    asked = customer.post("/accounts/addresses/new/", {**BERLIN, "country": "US", REFRESH: "yes"})
    assert "ZIP code" in text_of(asked)
    refused = customer.post("/accounts/addresses/new/", {**BERLIN, "country": "US"})
    assert refused.status_code == 422
    assert streets(ada) == []


def test_an_address_book_is_bounded_and_holds_each_address_once(ada, save, monkeypatch):
    monkeypatch.setattr(services, "MOST_ADDRESSES", 2)
    save(**LONDON), save(**LONDON), save(**BERLIN)
    with pytest.raises(services.AddressBookFull, match="remove an address first"):
        save(**{**BERLIN, "street": "Elsewhere"})
    assert len(streets(ada)) == 2


def test_nobody_sees_or_changes_the_addresses_of_another(customer, ada, bob):
    his = services.save_address(customer_id=bob.pk, address=Address(**BERLIN))
    assert customer.get(f"/accounts/addresses/{his}/").status_code == 404
    assert customer.post(f"/accounts/addresses/{his}/", LONDON).status_code == 404
    for act in ("remove", "default"):
        customer.post(f"/accounts/addresses/{his}/change/", {"act": act})
    assert streets(bob) == [BERLIN["street"]]
    with pytest.raises(services.UnknownAddress):
        services.save_address(customer_id=ada.pk, address=Address(**LONDON), address_id=his)


def test_the_checkout_begins_with_the_default_address_or_the_chosen_one(customer, ada, save):
    save(**LONDON)
    berlin = save(**BERLIN)
    put_into_basket(customer, "MUG")
    assert f'value="{LONDON["city"]}"' in customer.get("/checkout/").content.decode()
    assert 'value="Berlin"' in customer.get("/checkout/", {"address": berlin}).content.decode()


def test_an_address_is_kept_with_the_order_if_the_customer_wants_it(customer, ada):
    for keep, kept in (({}, []), ({"keep_address": "on"}, [LONDON["street"]])):
        put_into_basket(customer, "MUG")
        customer.post("/checkout/", filled_form(customer, **keep))
        assert streets(ada) == kept


def test_the_address_book_is_exported_and_forgotten(ada, save):
    save(**LONDON)
    rows = exporting.rows_about(ada)["orders_savedaddress"]
    assert [row["street"] for row in rows] == [LONDON["street"]]
    forgetting.forget(ada)
    assert not SavedAddress.objects.exists()

"""The checkout asks for what an address has in its country, with and without JavaScript."""

import re

import pytest

from tests.unit.storefront.conftest import filled_form, order_at, order_ids, put_into_basket, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def checkout(customer):
    """Fill the form in, and send it by its button, or by that which shows the fields of a country."""

    def send(refresh="", **changes):
        put_into_basket(customer, "MUG")
        form = filled_form(customer, **changes)
        return customer.post("/checkout/", form | ({"refresh": refresh} if refresh else {}))

    return send


def names_of(answer):
    return set(re.findall(r'name="(\w+)"', answer.content.decode()))


@pytest.mark.parametrize(
    ("country", "labels", "absent"),
    [
        ("US", {"ZIP code", "State", "Texas"}, set()),
        ("CA", {"Postal code", "Province", "Quebec / Québec"}, set()),
        ("IN", {"PIN code", "State (optional)"}, set()),
        ("HK", {"District (optional)", "Area (optional)"}, {"postal_code"}),
        ("AE", {"Emirate (optional)"}, {"postal_code", "city"}),
        ("DE", {"Postal code", "City"}, {"region"}),
    ],
)
def test_the_fields_of_a_country_are_shown_without_javascript(checkout, ada, country, labels, absent):
    answer = checkout(refresh="yes", country=country, street="7 Kept Road")
    text = text_of(answer)
    assert answer.status_code == 200
    assert all(label in text for label in labels), text
    assert not absent & names_of(answer)
    assert "7 Kept Road" in answer.content.decode()
    assert order_ids(ada) == []


@pytest.mark.parametrize("country", ["HK", "QA", "AO"])
def test_an_order_to_a_country_without_postal_codes_needs_none(checkout, country):
    placed = order_at(checkout(country=country, postal_code="")["Location"])
    assert placed.ship_to.postal_code == ""


def test_an_american_order_says_the_state(checkout, ada):
    refused = checkout(country="US")
    assert (refused.status_code, "Say the state." in text_of(refused)) == (422, True)
    assert "Texas" in text_of(refused)
    parts = {"region": "TX", "second_line": "Suite 4", "phone": "+1 512 555 0199"}
    placed = order_at(checkout(country="US", **parts)["Location"])
    assert placed.ship_to.model_dump(include=set(parts)) == parts


def test_an_emirate_takes_the_place_of_a_city(checkout):
    assert "Say the city" in text_of(checkout(country="AE", city="", postal_code=""))
    placed = order_at(checkout(country="AE", city="", postal_code="", region="Dubai")["Location"])
    assert placed.ship_to.region == "Dubai"


def test_the_page_of_an_order_shows_the_address_in_full(checkout, customer):
    url = checkout(country="US", region="TX", second_line="Suite 4")["Location"]
    assert "Suite 4 SW1Y 4JH London TX United States" in text_of(customer.get(url))


@pytest.mark.parametrize("text", ["\u200b", "\u3164\u2060"])
def test_an_invisible_name_is_refused_with_a_message(checkout, ada, text):
    assert "Say the name" in text_of(checkout(name=text))
    assert order_ids(ada) == []

"""Addresses are asked for what the country has, and no more than that."""

import json
from dataclasses import replace

import pytest
from django.apps import apps
from django.core.management import call_command
from rest_framework.test import APIClient

from dev.run import import_orders
from orders import services
from orders.addresses import UNKNOWN, rules_of
from orders.countries import COUNTRIES
from orders.errors import InvalidOrder
from orders.events import Address, Customer
from orders.models import Order
from shipping.models import SimulatedLabel
from shop.accounts import api_keys, scopes
from tests.unit.orders.conftest import LONDON, TWO_TEAPOTS
from tests.unit.orders.rest import BODY, SHIP_TO, client_of, post

pytestmark = pytest.mark.django_db

ZERO_WIDTH = [
    "\u200b",
    "\u200b\u200d\u2060",
    "\ufeff",
    "\u3164",
    "\u2800",
    "\u00ad",
    "\u034f",
    " \u00a0\u2003",
]


def address(**parts):
    return Address(**LONDON.model_dump() | parts)


def client_with_key(key):
    return APIClient(headers={"Authorization": f"Bearer {key}"})


def refusals(place, **parts):
    try:
        place(ship_to=address(**parts))
    except InvalidOrder as refusal:
        return {problem.path[-1]: problem.message for problem in refusal.problems}
    return {}


@pytest.mark.parametrize("country", ["HK", "AE", "QA", "AO", "JM", "GH", "MO"])
def test_no_postal_code_is_asked_for_where_the_country_has_none(place, country):
    assert refusals(place, country=country, postal_code="") == {}


@pytest.mark.parametrize(
    ("country", "named"), [("DE", "postal code"), ("IN", "PIN code"), ("BR", "postal code")]
)
def test_a_postal_code_is_asked_for_where_the_country_has_one(place, country, named):
    assert named in refusals(place, country=country, postal_code="")["postal_code"]
    assert refusals(place, country=country, postal_code="anything goes") == {}


@pytest.mark.parametrize("country", sorted(COUNTRIES - {"US", "CA", "AU"}))
def test_an_address_of_five_parts_is_accepted_as_before(place, country):
    assert refusals(place, country=country) == {}


@pytest.mark.parametrize(
    ("country", "named", "region"),
    [("US", "state", "tx"), ("CA", "province", "Québec"), ("AU", "state", "NSW")],
)
def test_a_state_is_asked_for_in_few_countries(place, country, named, region):
    assert named in refusals(place, country=country)["region"]
    assert named in refusals(place, country=country, region="Nowhere")["region"]
    assert refusals(place, country=country, region=region) == {}


def test_an_indian_address_is_kept_in_full(place):
    parts = {"country": "IN", "region": "Karnataka", "second_line": "2nd Floor", "phone": "+91 80 5550 1234"}
    order = place(ship_to=address(**parts))
    order.refresh_from_db()
    assert order.ship_to == order.personal.ship_to == address(**parts)


@pytest.mark.parametrize("country", ["IE", "CL", "TH", "SA", "CO"])
def test_a_postal_code_that_some_addresses_lack_is_optional(place, country):
    assert refusals(place, country=country, postal_code="", region="Any") == {}


def test_city_or_emirate_will_do(place):
    assert refusals(place, country="AE", city="", region="Dubai") == {}
    assert set(refusals(place, country="AE", city="", region="")) == {"city"}
    assert refusals(place, country="SG", city="") == {}


@pytest.mark.parametrize("text", ZERO_WIDTH)
@pytest.mark.parametrize("part", ["name", "street", "city", "postal_code"])
def test_a_part_of_an_address_that_nobody_can_see_is_refused(place, part, text):
    assert set(refusals(place, **{part: text})) == {part}


@pytest.mark.parametrize("part", ["second_line", "region", "phone"])
def test_an_optional_part_that_nobody_can_see_is_refused(place, part):
    assert part in refusals(place, **{part: "\u200b"})
    assert part in refusals(place, **{part: "9" * 201})


def test_a_phone_number_has_digits(place):
    assert set(refusals(place, phone="call me")) == {"phone"}


def test_an_order_of_a_customer_with_an_invisible_name_bears_the_user_name(place, ada):
    ada.first_name, ada.last_name = "\u200b", "\u2060"
    ada.save()
    assert place().customer_name == ada.get_username()


@pytest.mark.parametrize("country", ["US", "CA", "AU", "DE"])
def test_the_placeholder_of_an_import_is_accepted_in_every_country(ada, catalogue, country):
    assert import_orders.UNKNOWN == UNKNOWN
    unknown = address(country=country, street=UNKNOWN, city=UNKNOWN, postal_code="")
    request = replace(TWO_TEAPOTS, ship_to=unknown)
    assert services.place_order(customer=ada, request=request, unknown_address=True).ship_to == unknown
    elsewhere = replace(request, ship_to=address(country="US", street=UNKNOWN, city="Austin"))
    with pytest.raises(InvalidOrder, match="state"):
        services.place_order(customer=ada, request=elsewhere, unknown_address=True)


def test_a_customer_cannot_leave_the_address_open(ada, catalogue):
    body = BODY | {"ship_to": SHIP_TO | {"street": UNKNOWN, "city": UNKNOWN}}
    for client in (client_of(ada), client_with_key(api_keys.create_key(user=ada, name="till")[1])):
        refused = post(client, body)
        assert refused.status_code == 400
        assert {error["code"] for error in refused.json()["errors"]} == {"placeholder_address"}
        chosen = {"name": "mine", "scopes": ["orders:read", "orders:write", scopes.IMPORT]}
        assert client.post("/api/v1/keys", chosen, format="json").status_code == 400
    assert not Order.objects.exists()


def test_the_keys_of_an_import_alone_leave_the_address_open(ada, catalogue, tmp_path):
    (tmp_path / "wanted.json").write_text(
        json.dumps({"products": [], "customers": {"ada": "Ada Lovelace"}, "reason": "an import"})
    )
    answers = []
    for options in ([], ["--unknown-addresses"]):
        tokens = tmp_path / "tokens.json"
        call_command("import_catalogue", tmp_path / "wanted.json", "--tokens", tokens, *options)
        client = client_with_key(json.loads(tokens.read_text())["ada"])
        answers.append(post(client, BODY | {"ship_to": SHIP_TO | {"street": UNKNOWN, "city": UNKNOWN}}))
    assert [answer.status_code for answer in answers] == [400, 201]
    assert client.get(answers[1]["Location"]).status_code == 200


def test_facts_from_before_the_new_parts_stay_readable():
    before = {
        "customer_name": "Ada",
        "customer_email": "",
        "ship_to": LONDON.model_dump(exclude_defaults=True),
    }
    assert Customer.restore(before).ship_to == LONDON


def test_rows_that_an_older_release_writes_get_empty_parts():
    columns = [Order._meta.get_field(f"ship_{part}") for part in ("second_line", "region", "phone")]
    for model in (apps.get_model("shipping.Shipment"), SimulatedLabel):
        columns += [model._meta.get_field(part) for part in ("second_line", "region", "phone")]
    assert {column.db_default for column in columns} == {""}


def test_rest_takes_an_american_address_and_shows_it_again(ada, catalogue):
    boston = {**SHIP_TO, "city": "Boston", "postal_code": "02110", "country": "US"}
    refused = post(client_of(ada), BODY | {"ship_to": boston})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "ship_to.region")
    boston |= {"region": "MA", "second_line": "Apt. 4", "phone": "+1 617 555 0199"}
    accepted = post(client_of(ada), BODY | {"ship_to": boston})
    assert (accepted.status_code, accepted.json()["ship_to"]) == (201, boston)


def test_rest_needs_no_postal_code_of_hong_kong(ada, catalogue):
    parts = {"name": "Ada", "street": "1 Queen's Road", "city": "Central", "country": "HK"}
    assert post(client_of(ada), BODY | {"ship_to": parts}).status_code == 201


def test_there_are_rules_for_every_country():
    assert all({"city", "region", "postal_code"} == set(rules_of(country).labels) for country in COUNTRIES)

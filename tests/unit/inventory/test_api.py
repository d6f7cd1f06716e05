"""REST API of inventory: a public catalogue, and the stock for staff."""

from decimal import Decimal

import pytest

from inventory import services
from inventory.models import StockMovement

pytestmark = pytest.mark.django_db

KEY = {"format": "json", "headers": {"Idempotency-Key": "k-1"}}


@pytest.fixture
def old_pot(db):
    return services.add_product(sku="OLD", name="Old pot", price=Decimal("1.00"), active=False)


def skus(response):
    return sorted(row["sku"] for row in response.json()["results"])


def test_everybody_sees_what_is_sold(anybody, teapot, old_pot):
    services.adjust_stock(sku="TEAPOT", quantity=-5, reason="Broken")
    response = anybody.get("/api/v1/products")
    assert response.json()["results"] == [
        {
            "sku": "TEAPOT",
            "name": "Teapot",
            "category": None,
            "description": "",
            "price": {"amount": "24.95", "currency": "EUR"},
            "picture": "",
            "active": True,
            "in_stock": False,
            "backorderable": False,
            "url": "http://testserver/api/v1/products/TEAPOT",
        }
    ]


def test_products_are_found_by_all_words(anybody, teapot, kettle):
    assert skus(anybody.get("/api/v1/products?search=copper KETTLE")) == ["KETTLE"]
    assert skus(anybody.get("/api/v1/products?search=copper teapot")) == []


def test_only_staff_see_what_is_not_sold(anybody, olga, teapot, old_pot):
    assert skus(olga.get("/api/v1/products")) == ["OLD", "TEAPOT"]
    assert skus(olga.get("/api/v1/products?active=false")) == ["OLD"]
    assert skus(anybody.get("/api/v1/products?active=false")) == []
    assert anybody.get("/api/v1/products/OLD").status_code == 404
    assert olga.get("/api/v1/products/OLD").status_code == 200


def test_a_page_of_products_takes_one_statement(anybody, teapot, kettle, django_assert_num_queries):
    with django_assert_num_queries(1 + 1):  # and one that counts the request
        anybody.get("/api/v1/products")


def test_the_stock_is_for_staff(anybody, ada, olga, teapot, wants):
    assert anybody.get("/api/v1/stock").status_code == 401
    assert ada.get("/api/v1/stock").status_code == 403
    wants(TEAPOT=2)
    stock = {"on_hand": 5, "reserved": 2, "available": 3}
    assert olga.get("/api/v1/stock").json()["results"] == [
        {"sku": "TEAPOT", "name": "Teapot", "active": True, "initial": 5, **stock}
    ]


def test_staff_adjust_the_stock(olga, teapot):
    response = olga.post("/api/v1/stock/TEAPOT/adjust", {"quantity": -2, "reason": "Broken"}, **KEY)
    assert response.status_code == 200
    assert response.json()["available"] == 3
    movement = StockMovement.objects.get(kind="adjusted")
    assert (movement.actor, movement.reason) == ("olga", "Broken")


def test_customers_do_not_adjust_the_stock(anybody, ada, teapot, available):
    for client, status in ((anybody, 401), (ada, 403)):
        response = client.post("/api/v1/stock/TEAPOT/adjust", {"quantity": 9, "reason": "x"}, **KEY)
        assert response.status_code == status
    assert available("TEAPOT") == 5


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"quantity": "many", "reason": "Delivery"}, "quantity"),
        ({"quantity": 0, "reason": "Delivery"}, "quantity"),
        ({"quantity": 10**12, "reason": "Delivery"}, "quantity"),
        ({"quantity": 1}, "reason"),
        ({"quantity": 1, "reason": " "}, "reason"),
        ({"quantity": 1, "reason": "Delivery", "available": 99}, "available"),
    ],
)
def test_a_wrong_adjustment_names_its_field(olga, teapot, body, field, available):
    response = olga.post("/api/v1/stock/TEAPOT/adjust", body, **KEY)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert available("TEAPOT") == 5


def test_more_than_there_is_cannot_be_taken_away(olga, teapot):
    response = olga.post("/api/v1/stock/TEAPOT/adjust", {"quantity": -6, "reason": "Broken"}, **KEY)
    assert response.status_code == 409
    assert response.json()["detail"] == "There are only 5 of TEAPOT: 6 cannot be taken away."


def test_what_does_not_exist_cannot_be_adjusted(olga):
    response = olga.post("/api/v1/stock/GHOST/adjust", {"quantity": 1, "reason": "x"}, **KEY)
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("kind", "quantity", "on_hand"), [("received", 7, 12), ("write_off", 2, 3), ("counted", 4, 4)]
)
def test_staff_book_receipts_losses_and_counts_once(olga, teapot, kind, quantity, on_hand):
    body = {"kind": kind, "quantity": quantity, "reason": "so"}
    answers = [olga.post("/api/v1/stock/TEAPOT/movements", body, **KEY) for _ in range(2)]
    assert [(answer.status_code, answer.json()["on_hand"]) for answer in answers] == [(200, on_hand)] * 2
    movement = StockMovement.objects.exclude(kind="initial").get()
    assert (movement.kind, movement.quantity, movement.actor) == (kind, on_hand - 5, "olga")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "write_off", "quantity": 6, "reason": "Broken"}, 409),
        ({"kind": "counted", "quantity": 1, "reason": "Counted"}, 409),
        ({"kind": "counted", "quantity": -1, "reason": "Counted"}, 400),
        ({"kind": "received", "quantity": 0, "reason": "Empty"}, 400),
        ({"kind": "sold", "quantity": 1, "reason": "By hand"}, 400),
        ({"kind": "received", "quantity": 1}, 400),
    ],
)
def test_impossible_bookings_are_refused(olga, teapot, wants, available, body, status):
    wants(TEAPOT=2)
    assert olga.post("/api/v1/stock/TEAPOT/movements", body, **KEY).status_code == status
    assert available("TEAPOT") == 3


def test_customers_book_nothing(anybody, ada, teapot, available):
    body = {"kind": "received", "quantity": 7, "reason": "so"}
    for client in (anybody, ada):
        assert client.post("/api/v1/stock/TEAPOT/movements", body, **KEY).status_code in {401, 403}
    assert available("TEAPOT") == 5

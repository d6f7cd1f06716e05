"""Products of a file: shown first with an error a row, then all or none are taken over, once."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from inventory import product_files, services
from inventory.booking_files import UnreadableFile
from inventory.models import Product, StockMovement

pytestmark = pytest.mark.django_db

URL = "/admin/inventory/product/import-products/"
GOOD = "sku,name,price,active\nTEAPOT,Teapot,29.95,yes\nCUP,Cup,12.5,no\n"


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


def test_a_preview_tells_what_each_row_does_and_does_nothing(teapot):
    first, second = product_files.preview(GOOD)
    assert (first.kind, first.changes) == ("update", "price: 24.95 → 29.95")
    assert (second.kind, second.changes) == ("new", "Cup, 12.50 EUR")
    assert str(Product.objects.get().price) == "24.95"


def test_what_is_not_in_the_file_stays_as_it_is(teapot):
    (row,) = product_files.take_over("sku,price\nTEAPOT,24.95")
    assert (row.kind, row.changes) == ("skip", "")
    product_files.take_over("sku,price\nTEAPOT,29.95")
    product = Product.objects.get()
    assert (product.name, str(product.price), product.available) == (teapot.name, "29.95", teapot.available)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("CUP,,12.50,yes", "name: This field cannot be blank"),
        ("CUP,Cup,cheap,yes", "price"),
        ("CUP,Cup,-1,yes", "price: Ensure this value is greater than or equal to 0"),
        ("CUP,Cup,12.505,yes", "EUR has 2 decimals"),
        ("CUP,Cup,12.50,perhaps", "active: Write yes or no."),
        ("c u p,Cup,12.50,yes", "sku: Use letters"),
        ("CUP,Cup,12.50", "3 columns instead of 4"),
    ],
)
def test_an_error_names_its_row_and_nothing_is_written(teapot, row, said):
    for read in (product_files.preview, product_files.take_over):
        right, wrong = read(f"sku,name,price,active\nTEAPOT,Teapot,29.95,yes\n{row}\n")
        assert not right.error
        assert wrong.number == 3
        assert said in wrong.error
    assert str(Product.objects.get().price) == "24.95"


def test_a_sku_that_comes_twice_is_an_error():
    rows = product_files.take_over("sku,name,price\nCUP,Cup,1.00\nCUP,Cup,2.00")
    assert [bool(row.error) for row in rows] == [False, True]
    assert not Product.objects.exists()


@pytest.mark.parametrize("header", ["name,price", "sku,available", "sku,sku"])
def test_a_file_with_other_columns_is_refused(header):
    with pytest.raises(UnreadableFile, match="Name the columns"):
        product_files.preview(f"{header}\n1,2\n")


def test_a_new_product_comes_with_its_movement_and_no_stock():
    product_files.take_over("sku,name,price\nCUP,Cup,12.50")
    movement = StockMovement.objects.get(product__sku="CUP")
    assert (movement.kind, movement.quantity) == ("initial", 0)


def test_a_file_moves_products_to_categories_and_out_of_them(teapot):
    services.add_category(slug="tea", name="Tea")
    (row,) = product_files.take_over("sku,category\nTEAPOT,tea")
    assert row.changes == "category: None → tea"
    assert Product.objects.get().category_id == "tea"
    assert "\nTEAPOT,Teapot,tea," in "".join(product_files.lines(Product.objects.all())).replace("\r", "")
    (row,) = product_files.take_over("sku,category\nTEAPOT,")
    assert row.changes == "category: tea → None"
    assert Product.objects.get().category_id is None


def test_an_unknown_category_is_an_error_of_its_row(teapot):
    for read in (product_files.preview, product_files.take_over):
        right, wrong = read("sku,name,price,category\nTEAPOT,Teapot,29.95,\nCUP,Cup,12.50,cups\n")
        assert not right.error
        assert (wrong.number, wrong.error) == (
            3,
            "category: There is no category cups: choose another one, or add it first.",
        )
    assert str(Product.objects.get().price) == "24.95"


def test_an_operator_looks_and_takes_over_once_and_the_history_says_why(olga, teapot):
    form = {"text": GOOD, "reason": "spring prices", "attempt": "0188d0fa-7c5c-7000-8000-000000000000"}
    shown = olga.post(URL, form).content.decode()
    assert "price: 24.95 → 29.95" in shown
    assert "Nothing is changed yet" in shown
    assert Product.objects.count() == 1
    for _ in range(2):
        assert olga.post(URL, form | {"take": "Take over"}).status_code == 302
    told = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    assert list(told) == [
        (str(teapot.pk), "Changed by a file: price: 24.95 → 29.95. Reason: spring prices"),
        (str(Product.objects.get(sku="CUP").pk), "Added from a file: Cup, 12.50 EUR. Reason: spring prices"),
    ]


def test_without_a_reason_nothing_is_shown(olga):
    assert "This field is required" in olga.post(URL, {"text": GOOD}).content.decode()


def test_an_export_is_a_file_that_changes_nothing(olga, teapot):
    Product.objects.filter(pk=teapot.pk).update(description='=1+1, "quoted"', name="-10 % teapot")
    response = olga.get("/admin/inventory/product/?export=csv&q=TEAPOT")
    text = b"".join(response.streaming_content).decode()
    assert "'=1+1" in text
    (row,) = product_files.preview(text)
    assert (row.kind, row.error) == ("skip", "")
    assert olga.get("/admin/inventory/product/?export=csv&q=nothing").getvalue().decode().count("\n") == 1

"""Files of bookings in the admin: a preview with an error for each row, and one booking of all."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from inventory.models import StockMovement

pytestmark = pytest.mark.django_db

URL = "/admin/inventory/product/import/"
FILE = """\
kind,sku,quantity,reason
received,TEAPOT,10,Delivery note 4711
write_off,KETTLE,1,"Dented, in the yard"
"""


@pytest.fixture
def olga(client, teapot, kettle):
    client.force_login(User.objects.create_superuser("olga"))
    return client


def ledger():
    movements = StockMovement.objects.exclude(kind="initial").order_by("pk")
    return [(m.kind, m.product.sku, m.quantity, m.reason, m.actor) for m in movements]


def errors(response):
    return {row.number: row.error for row in response.context["rows"] if row.error}


def test_a_file_is_shown_before_it_is_booked(olga, available):
    file = SimpleUploadedFile("stock.csv", FILE.encode("utf-8-sig"))
    shown = olga.post(URL, {"file": file})
    assert [(row.number, row.entry.available) for row in shown.context["rows"]] == [(2, 15), (3, 2)]
    assert "Nothing is booked yet" in shown.content.decode()
    assert (available("TEAPOT"), ledger()) == (5, [])


def test_a_file_that_was_shown_is_booked_once_however_often_it_is_sent(olga, available):
    shown = olga.post(URL, {"text": FILE, "attempt": olga.get(URL).context["form"]["attempt"].value()})
    form = {"text": shown.context["text"], "attempt": shown.context["attempt"], "book": "Book 2 rows"}
    for _ in range(2):
        assert olga.post(URL, form).status_code == 302
    assert ledger() == [
        ("received", "TEAPOT", 10, "Delivery note 4711", "olga"),
        ("write_off", "KETTLE", -1, "Dented, in the yard", "olga"),
    ]
    assert {entry.get_change_message() for entry in LogEntry.objects.all()} == {
        "Received goods: +10, Delivery note 4711",
        "Wrote goods off: -1, Dented, in the yard",
    }


def test_each_wrong_row_is_named_and_none_is_booked(olga):
    rows = [
        "received,TEAPOT,10,fine",
        "received,GHOST,1,nowhere",
        "write_off,KETTLE,9,too many",
        "lent,TEAPOT,1,no such kind",
        "received,TEAPOT,ten,no number",
        "received,TEAPOT,1,",
        "received,TEAPOT",
    ]
    response = olga.post(URL, {"text": "\n".join(["kind,sku,quantity,reason", *rows]), "book": "Book"})
    assert errors(response) == {
        3: "There is no product GHOST.",
        4: "There are only 3 of KETTLE: 9 cannot be taken away.",
        5: "kind: Select a valid choice. lent is not one of the available choices.",
        6: "quantity: Enter a whole number.",
        7: "reason: This field is required.",
        8: "2 columns instead of 4",
    }
    assert "6 of 7 rows are wrong" in response.content.decode()
    assert ledger() == []


def test_rows_beside_an_unreadable_one_are_not_booked(olga):
    rows = "received,TEAPOT,10,fine\nreceived,TEAPOT,ten,no number"
    response = olga.post(URL, {"text": f"kind,sku,quantity,reason\n{rows}", "book": "Book"})
    assert errors(response) == {3: "quantity: Enter a whole number."}
    assert ledger() == []


def test_columns_come_in_any_order_and_from_any_spreadsheet(olga):
    text = "SKU;Quantity;Reason;Kind\n\nTEAPOT; 4 ;Counted;Counted\n"
    olga.post(URL, {"text": text, "book": "Book"})
    assert ledger() == [("counted", "TEAPOT", -1, "Counted", "olga")]


def test_stock_that_changed_since_the_preview_is_shown_again(olga, wants):
    text = "kind,sku,quantity,reason\nwrite_off,TEAPOT,5,Broken"
    assert not errors(olga.post(URL, {"text": text}))
    wants(TEAPOT=1)
    response = olga.post(URL, {"text": text, "book": "Book"})
    assert errors(response) == {
        2: "There are only 4 of TEAPOT besides 1 that are reserved: 5 cannot be taken away."
    }
    assert ledger() == []


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", "Choose a file, or paste its text."),
        ("sku,quantity\nTEAPOT,1", "Name the columns in the first row: kind, sku, quantity, reason."),
        ("kind,sku,quantity,reason", "Give 1 to 1,000 rows below the names of the columns."),
        ("kind,sku,quantity,reason" + "\nreceived,TEAPOT,1,x" * 1001, "Give 1 to 1,000 rows"),
        ("kind,sku,quantity,reason\nreceived,TEAPOT,1," + "x" * 140_000, "Line 2 cannot be read"),
    ],
)
def test_what_is_no_table_of_bookings_is_refused(olga, text, refusal):
    response = olga.post(URL, {"text": text, "book": "Book"})
    assert response.status_code == 200
    assert refusal in str(response.context["form"].non_field_errors())
    assert ledger() == []


def test_a_file_in_another_encoding_is_refused(olga):
    file = SimpleUploadedFile("stock.csv", FILE.replace("yard", "Höfle").encode("latin-1"))
    response = olga.post(URL, {"file": file})
    assert "not in UTF-8" in str(response.context["form"].non_field_errors())


def test_the_form_of_a_product_takes_receipts_losses_and_counts(olga, teapot, available):
    url = reverse("admin:inventory_product_adjust", args=[teapot.pk])
    for kind, quantity in (("received", 7), ("write_off", 2), ("counted", 8)):
        assert olga.post(url, {"kind": kind, "quantity": quantity, "reason": "so"}).status_code == 302
    assert [row[:3] for row in ledger()] == [
        ("received", "TEAPOT", 7),
        ("write_off", "TEAPOT", -2),
        ("counted", "TEAPOT", -2),
    ]
    assert available("TEAPOT") == 8


def test_the_list_offers_the_import_to_who_may_book(olga, client):
    assert URL in olga.get("/admin/inventory/product/").content.decode()
    viewer = User.objects.create_user("vera", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_product", "view_stock"]))
    client.force_login(viewer)
    assert URL not in client.get("/admin/inventory/product/").content.decode()

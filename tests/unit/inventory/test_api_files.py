"""Files of bookings at the REST API: a preview, errors by row, and one booking of all rows."""

import pytest
from django.contrib.admin.models import LogEntry

from inventory.models import StockMovement

pytestmark = pytest.mark.django_db

URL = "/api/v1/stock-movements"
FILE = """\
kind,sku,quantity,reason
received,TEAPOT,10,Delivery note 4711
write_off,KETTLE,1,"Dented, in the yard"
"""
WRONG = FILE + "sold,TEAPOT,1,By hand\nwrite_off,KETTLE,99,Broken\nreceived,GHOST,1,Delivery\n"


def send(client, text=FILE, query="", *, key="a-file", **headers):
    headers = {"HTTP_IDEMPOTENCY_KEY": key, **headers} if key else headers
    return client.post(URL + query, text, content_type="text/csv", **headers)


def ledger():
    movements = StockMovement.objects.exclude(kind="initial").order_by("pk")
    return [(m.kind, m.product.sku, m.quantity, m.reason, m.actor) for m in movements]


BOOKED = [
    ("received", "TEAPOT", 10, "Delivery note 4711", "olga"),
    ("write_off", "KETTLE", -1, "Dented, in the yard", "olga"),
]


def test_a_preview_says_what_each_row_would_do_and_books_nothing(olga, teapot, kettle, available):
    answer = send(olga, query="?preview=true")
    assert answer.status_code == 200
    assert answer.json()["booked"] is False
    assert [(row["row"], row["available"], row["error"]) for row in answer.json()["rows"]] == [
        (2, 15, ""),
        (3, 2, ""),
    ]
    assert (available("TEAPOT"), ledger()) == (5, [])


def test_a_file_is_booked_once_under_its_key_also_after_a_preview_under_it(olga, teapot, kettle, available):
    send(olga, query="?preview=true")
    answers = [send(olga) for _ in range(2)]
    assert [(answer.status_code, answer.json()["booked"]) for answer in answers] == [(200, True)] * 2
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert (available("TEAPOT"), ledger()) == (15, BOOKED)
    assert LogEntry.objects.count() == 2
    assert send(olga, FILE + "received,TEAPOT,1,More\n").status_code == 422


def test_each_wrong_row_is_named_and_none_is_booked(olga, teapot, kettle):
    answer = send(olga, WRONG)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in answer.json()["errors"]] == ["rows[4]", "rows[5]", "rows[6]"]
    assert "There are only 2 of KETTLE" in answer.json()["errors"][1]["message"]
    rows = send(olga, WRONG, "?preview=true").json()["rows"]
    assert [bool(row["error"]) for row in rows] == [False, False, True, True, True]
    assert rows[4] | {"error": ""} == {
        "row": 6,
        "kind": "received",
        "sku": "GHOST",
        "quantity": "1",
        "reason": "Delivery",
        "difference": None,
        "available": None,
        "on_hand": None,
        "error": "",
    }
    assert ledger() == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Name the columns"),
        ("sku,quantity\nMUG,1\n", "Name the columns"),
        ("kind,sku,quantity,reason\n", "Give 1 to 1,000 rows"),
        ("kind,sku,quantity,reason\n" + "received,TEAPOT,1,x\n" * 1_001, "Give 1 to 1,000 rows"),
        (b"\xff\xfe", "not in UTF-8"),
        ("x" * 200_001, "split it"),
    ],
)
def test_what_is_no_file_of_bookings_is_refused_in_words(olga, teapot, text, says):
    answer = send(olga, text)
    assert (answer.status_code, says in answer.json()["detail"]) == (400, True)


def test_a_file_needs_a_key_and_its_own_type(olga, teapot):
    assert send(olga, key="").status_code == 400
    assert olga.post(URL, {"a": 1}, format="json", HTTP_IDEMPOTENCY_KEY="k").status_code == 415
    assert send(olga, query="?preview=maybe").status_code == 400
    assert send(olga, query="?dry=true").status_code == 400
    assert ledger() == []


def test_customers_book_no_files(anybody, ada, teapot):
    assert [send(client).status_code for client in (anybody, ada)] == [401, 403]
    assert ledger() == []

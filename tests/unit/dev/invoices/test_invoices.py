"""Invoices of a real shop: all lines become orders or remarks."""

import gzip
from decimal import Decimal

import pytest

from dev.invoices.plan import make_plan
from dev.invoices.reader import UnreadableInvoices, read_invoices

HEAD = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country"
LANTERN = "536365,71053,WHITE METAL LANTERN,6,3.39,17850,United Kingdom"
HEART = '536365,85123a,"HEART, HANGING",2,2.55,17850,United Kingdom'


@pytest.fixture
def plan_of(tmp_path):
    """Plan the import of these lines."""

    def plan(*lines: str, limit: int | None = None):
        file = tmp_path / "invoices.csv"
        file.write_text("\n".join([HEAD, *lines]))
        return make_plan(*read_invoices(file, limit))

    return plan


def kinds(plan) -> list[str]:
    return [remark.kind for remark in plan.remarks]


def test_the_lines_of_an_invoice_become_one_order(plan_of):
    plan = plan_of(LANTERN, HEART)

    [order] = plan.orders
    assert (order.invoice, order.customer, order.country) == ("536365", "17850", "GB")
    assert order.quantities == {"71053": 6, "85123A": 2}
    assert not plan.remarks


def test_a_product_twice_in_an_invoice_is_one_line_of_the_order(plan_of):
    assert plan_of(LANTERN, LANTERN).orders[0].quantities == {"71053": 12}


def test_a_product_has_its_most_frequent_price_and_every_other_is_remarked_upon(plan_of):
    dear = LANTERN.replace("536365", "536400").replace("3.39", "4.25")
    plan = plan_of(LANTERN, LANTERN.replace("536365", "536366"), dear)

    [lantern] = plan.products
    assert (lantern.price, lantern.needed, lantern.name) == (Decimal("3.39"), 18, "WHITE METAL LANTERN")
    assert [(remark.line, remark.why) for remark in plan.remarks] == [
        (4, "ordered at the catalogue's price of 3.39 instead of 4.25")
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("536365,71053,LANTERN,6,3.39,,United Kingdom", "no customer"),
        ("536370,POST,POSTAGE,3,18,12583,France", "no goods"),
        ("536370,BANK CHARGES,Bank Charges,1,15,12583,France", "no goods"),
        ("536370,gift 10,Voucher,1,15,12583,France", "no goods"),
        ("536370,71053,LANTERN,-3,3.39,12583,France", "no sale"),
        ("536370,71053,LANTERN,0,3.39,12583,France", "no sale"),
        ("536370,71053,LANTERN,3,0,12583,France", "no sale"),
        ("536370,71053,LANTERN,3,0.001,12583,France", "no sale"),
        ("536370,71053,LANTERN,3,-1.50,12583,France", "no sale"),
        ("536370,71053,LANTERN,3,3.39,12583,Atlantis", "no country"),
        ("536370,71053,LANTERN,three,3.39,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,3,cheap,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,3,NaN,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,3,1e30,12583,France", "cannot be read"),
        (",71053,LANTERN,3,3.39,12583,France", "cannot be read"),
        ("536370,,LANTERN,3,3.39,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,3", "cannot be read"),
        ("536370,71053,LANTERN,3,3.39,12583,France,surplus", "cannot be read"),
    ],
)
def test_what_cannot_be_ordered_is_remarked_upon_and_the_rest_is_ordered(plan_of, line, kind):
    plan = plan_of(LANTERN.replace("536365", "1"), line)

    assert [order.invoice for order in plan.orders] == ["1"]
    assert [(remark.line, remark.kind) for remark in plan.remarks] == [(3, kind)]


def test_a_cancellation_invoice_cancels_the_order_that_it_takes_back(plan_of):
    plan = plan_of(LANTERN, "C536379,71053,WHITE METAL LANTERN,-6,3.39,17850,United Kingdom")

    assert plan.orders[0].cancelled_by.number == "C536379"
    assert not plan.remarks


def test_one_cancellation_cancels_one_order(plan_of):
    plan = plan_of(LANTERN, LANTERN.replace("536365", "536366"), "C1,71053,LANTERN,-6,3.39,17850,France")

    assert [order.cancelled_by is not None for order in plan.orders] == [False, True]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("C1,71053,LANTERN,-2,3.39,17850,United Kingdom", "cancels a part of an order"),
        ("C1,71053,LANTERN,-7,3.39,17850,United Kingdom", "cancels what was sold before"),
        ("C1,71053,LANTERN,-6,3.39,99999,United Kingdom", "cancels what was sold before"),
        ("C1,71053,LANTERN,6,3.39,17850,United Kingdom", "no sale"),
        ("C1,D,Discount,-1,27.5,17850,United Kingdom", "no goods"),
    ],
)
def test_a_cancellation_of_anything_but_a_whole_order_is_remarked_upon(plan_of, line, kind):
    plan = plan_of(LANTERN, line)

    assert plan.orders[0].cancelled_by is None
    assert kinds(plan) == [kind]


def test_a_cancellation_before_its_order_cancels_nothing(plan_of):
    plan = plan_of("C1,71053,LANTERN,-6,3.39,17850,United Kingdom", LANTERN)

    assert plan.orders[0].cancelled_by is None
    assert kinds(plan) == ["cancels what was sold before"]


def test_the_limit_counts_invoices_not_lines(plan_of):
    other = LANTERN.replace("536365", "536366")

    assert [len(order.lines) for order in plan_of(LANTERN, HEART, other, limit=1).orders] == [2]


def test_empty_lines_and_odd_letters_are_read(tmp_path):
    file = tmp_path / "invoices.csv"
    file.write_bytes(f"{HEAD}\r\n\r\n{LANTERN}\r\n".replace("WHITE", "CR\u00c8ME").encode("latin-1"))

    [invoice], remarks = read_invoices(file)
    assert (invoice.lines[0].description, invoice.lines[0].number) == ("CR\u00c8ME METAL LANTERN", 3)
    assert not remarks


def test_a_gzipped_file_is_read(tmp_path):
    file = tmp_path / "invoices.csv.gz"
    file.write_bytes(gzip.compress(f"{HEAD}\n{LANTERN}".encode()))

    assert len(read_invoices(file)[0]) == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "it has no column InvoiceNo"),
        (b"InvoiceNo,StockCode,Quantity\n", "it has no column Description, UnitPrice"),
        (b"\x1f\x8bbroken", "cannot be read"),
    ],
)
def test_a_file_that_is_no_table_of_invoices_is_refused(tmp_path, content, complaint):
    file = tmp_path / "invoices.csv"
    file.write_bytes(content)

    with pytest.raises(UnreadableInvoices, match=complaint):
        read_invoices(file)

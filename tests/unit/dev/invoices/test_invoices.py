"""Invoices of a real shop: all lines become orders or remarks."""

import gzip
from decimal import Decimal

import pytest

from dev.invoices.countries import code_of
from dev.invoices.plan import MAX_PRICE, MAX_QUANTITY, MAX_STOCK, make_plan
from dev.invoices.reader import Invoice, UnreadableInvoices, read_invoices
from inventory import models as inventory
from orders import intake
from orders.countries import COUNTRIES

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
        ("536370,71053,LANTERN,1_000,3.39,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,3,1_000,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,6.5,3.39,12583,France", "cannot be read"),
        ("536370,71053,LANTERN,٦,3.39,12583,France", "cannot be read"),
        ('536370,71053,"LANTERN,3,3.39,12583,France', "cannot be read"),
        ('536370,71053,"6" LANTERN",3,3.39,12583,France', "cannot be read"),
        ("536370,71053,LAN\0TERN,3,3.39,12583,France", "cannot be read"),
        ("536370,71053," + "L" * 200_000 + ",3,3.39,12583,France", "cannot be read"),
        (",,,,,,", "cannot be read"),
        ("536370,71053,LANTERN,3000000000,3.39,12583,France", "too much"),
        ('536370,71053,LANTERN,3,"99,999,999,999.99",12583,France', "cannot be read"),
        ("536370,71053,LANTERN,3,99999999999.99,12583,France", "too much"),
        ("536370,71053,LANTERN,3,3.39," + "9" * 160 + ",France", "no customer"),
        ("536370,71053,LANTERN,3,3.39,[/bold],France", "no customer"),
        ("536370,straße,LANTERN,3,3.39,12583,France", "no goods"),
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


def test_the_limits_are_those_of_the_shop():
    assert (MAX_QUANTITY, MAX_STOCK) == (intake.MAX_QUANTITY, inventory.MAX_STOCK)
    assert MAX_PRICE <= inventory.MAX_PRICE


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DE", "DE"), ("Hungary", "HU"), ("Ireland", "IE"), ("EIRE", "IE"), ("RSA", "ZA"), ("USA", "US"),
        ("usa", "US"), ("U.S.A.", "US"), ("UK", "GB"), ("United Kingdom", "GB"), ("GBR", "GB"),
        ("Channel Islands", "JE"), ("Czech Republic", "CZ"), ("South Korea", "KR"), ("Turkey", "TR"),
        ("  Saudi\u00a0Arabia ", "SA"), ("Côte d'Ivoire", "CI"), ("Unspecified", ""),
        ("European Community", ""), ("ZZ", ""), ("", ""),
    ],
)  # fmt: skip
def test_countries_are_known_by_code_by_name_and_by_everyday_name(name, code):
    assert code_of(name) == code


def test_every_country_of_the_shop_is_known_by_its_code():
    assert {code_of(code) for code in COUNTRIES} == COUNTRIES


@pytest.mark.parametrize(("text", "quantity"), [("6.0", 6), ("6.", 6), ("+6", 6), (" 6 ", 6)])
def test_whole_numbers_of_spreadsheets_are_quantities(plan_of, text, quantity):
    assert plan_of(LANTERN.replace(",6,", f",{text},")).orders[0].quantities == {"71053": quantity}


def test_a_rounded_price_is_remarked_upon_and_imported(plan_of):
    plan = plan_of(LANTERN.replace(",6,3.39", ",1000,0.015"))
    assert plan.products[0].price == Decimal("0.02")
    [remark] = plan.remarks
    assert (remark.outcome, remark.why) == ("changed", "the price is rounded to 0.02 from 0.015")


@pytest.mark.parametrize("price", ["3.39", "3.390", "3.3900", "0.339e1"])
def test_a_price_that_needs_no_rounding_has_no_remark(plan_of, price):
    assert not plan_of(LANTERN.replace("3.39", price)).remarks


def test_a_line_to_another_country_than_its_invoice_is_remarked_upon(plan_of):
    plan = plan_of(LANTERN, HEART.replace("United Kingdom", "France"))
    assert plan.orders[0].country == "GB"
    [remark] = plan.remarks
    assert (remark.line, remark.outcome) == (3, "changed")


def test_a_stray_quote_takes_no_other_line_with_it(plan_of):
    others = [LANTERN.replace("536365", str(number)) for number in range(20)]
    stray = '9,71054,"LAMP,6,3.39,17850,United Kingdom'
    plan = plan_of(*others[:10], stray, *others[10:], stray.replace("9,", "99,", 1))
    assert len(plan.orders) == 20
    assert [remark.line for remark in plan.remarks] == [12, 23]


def test_windows_quotes_and_the_euro_sign_are_read(tmp_path):
    file = tmp_path / "invoices.csv"
    file.write_bytes(f"{HEAD}\n{LANTERN}".replace("WHITE", "\u201c5 \u20ac\u201d").encode("cp1252"))
    [invoice], _ = read_invoices(file)
    assert invoice.lines[0].description == "\u201c5 \u20ac\u201d METAL LANTERN"


def test_the_stock_that_many_invoices_need_stays_within_what_a_product_may_have(plan_of):
    [order] = plan_of(LANTERN.replace(",6,", ",10000,")).orders
    plan = make_plan([Invoice(order.invoice, order.lines * 214_749)])
    assert plan.products[0].needed == MAX_STOCK

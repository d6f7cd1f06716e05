"""An import: each line has one outcome, whatever the file has and the shop answers."""

import csv
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.errors import ScriptError
from dev.invoices.plan import Plan, make_plan
from dev.invoices.reader import read_invoices
from dev.load.generator import CustomerOrder
from dev.run import import_orders, import_report
from dev.run.import_orders import note_outcomes, planned_import

HEAD = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country"
MUG = "1,MUG,Blue mug,2,1.00,17850,United Kingdom"
BACK = "C2,MUG,Blue mug,-2,1.00,17850,United Kingdom"


@pytest.fixture(autouse=True)
def report(tmp_path, monkeypatch) -> Path:
    """Path of the report."""
    path = tmp_path / "import-report.csv"
    monkeypatch.setattr(import_report, "REPORT", path)
    return path


def invoices(folder: Path, *lines: str) -> Path:
    file = folder / "invoices.csv"
    file.write_text("\n".join([HEAD, *lines]), encoding="utf-8")
    return file


def planned(folder: Path, *lines: str) -> Plan:
    return make_plan(*read_invoices(invoices(folder, *lines)))


def order(
    plan: Plan, place: int = 0, *, price: str = "1.00", currency: str = "GBP", **facts: str
) -> CustomerOrder:
    """Return an order as the shop has accepted it, at a price of its own."""
    unit_price = {"amount": price, "currency": currency}
    lines = [{"sku": sku, "unit_price": unit_price} for sku in plan.orders[place].quantities]
    accepted = {"number": "ORD-1", "status": "delivered", **facts}
    return CustomerOrder(label="", token="", body={}, idempotency_key="", id=uuid4(), lines=lines, **accepted)


def remarks(plan: Plan) -> list[tuple[int, str, str]]:
    return [(remark.line, remark.outcome.value, remark.why) for remark in plan.remarks]


def test_a_known_product_at_another_price_is_remarked_upon(tmp_path):
    plan = planned(tmp_path, MUG)
    note_outcomes(plan, [order(plan, price="14.90", currency="EUR")])
    why = "ordered at the catalogue's price of 14.90 EUR instead of 1.00 GBP"
    assert remarks(plan) == [(2, "changed", why)]
    assert plan.outcomes == {"as it stands": 0, "changed": 1, "left out": 0}


def test_the_shops_price_decides_and_not_the_most_frequent_one_of_the_file(tmp_path):
    plan = planned(
        tmp_path, MUG, MUG.replace("1,", "2,", 1), MUG.replace("1,", "3,", 1).replace("1.00", "1.50")
    )
    note_outcomes(plan, [order(plan, place, price="1.50") for place in range(3)])
    assert [line for line, *_ in remarks(plan)] == [2, 3]


def test_a_line_that_is_rounded_and_priced_otherwise_has_one_remark(tmp_path):
    plan = planned(tmp_path, MUG.replace("1.00", "0.015"))
    note_outcomes(plan, [order(plan, price="1.00")])
    [(line, outcome, why)] = remarks(plan)
    assert (line, outcome) == (2, "changed")
    assert "rounded to 0.02 from 0.015; ordered at the catalogue's price of 1.00 GBP" in why


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": "delivered"}, "the cancellation came too late: the order is delivered"),
        (
            {"status": "delivered", "cancel_refusal": "It has left."},
            "the shop refused the cancellation: It has left.",
        ),
        (
            {"status": "needs_attention", "reason": "refund_failed"},
            "too late: the order is needs_attention (refund_failed)",
        ),
        ({"status": ""}, "the import ended before the cancellation was decided"),
    ],
)
def test_a_cancellation_that_has_no_effect_is_left_out(tmp_path, facts, why):
    plan = planned(tmp_path, MUG, BACK)
    note_outcomes(plan, [order(plan, **facts)])
    [(line, outcome, said)] = remarks(plan)
    assert (line, outcome) == (3, "left out")
    assert why in said


def test_a_line_that_is_left_out_keeps_its_first_reason(tmp_path):
    plan = planned(tmp_path, MUG, BACK, BACK.replace("MUG,Blue mug", "POST,Postage"))
    note_outcomes(plan, [order(plan)])
    assert [why for *_, why in remarks(plan)][1] == "Postage is no product"


def test_a_cancellation_in_time_stands(tmp_path):
    plan = planned(tmp_path, MUG, BACK)
    note_outcomes(plan, [order(plan, status="cancelled", reason="customer")])
    assert plan.outcomes == {"as it stands": 2, "changed": 0, "left out": 0}


def test_an_order_that_the_shop_refuses_is_left_out_with_its_cancellation(tmp_path):
    plan = planned(tmp_path, MUG, BACK)
    note_outcomes(plan, [order(plan, number="", refusal="No.")])
    assert [(line, outcome) for line, outcome, _ in remarks(plan)] == [(2, "left out"), (3, "left out")]


def fail_after_planning(file: Path) -> None:
    with planned_import(file, None) as plan:
        note_outcomes(plan, [])
        raise RuntimeError("the shop did not start")


def test_the_report_is_written_whatever_happens(tmp_path, report):
    with pytest.raises(RuntimeError):
        fail_after_planning(invoices(tmp_path, MUG, "2,MUG,,2,odd,1,DE"))
    head, *rows = csv.reader(report.read_text(encoding="utf-8").splitlines())
    assert head == ["line", "outcome", "invoice", "stock code", "kind", "why"]
    assert [row[:4] for row in rows] == [["2", "left out", "1", "MUG"], ["3", "left out", "2", "MUG"]]


@pytest.mark.parametrize("text", ["no table", f"{HEAD}\n1,POST,,1,1,1,DE"])
def test_the_report_of_a_file_without_orders_is_not_that_of_the_last_import(tmp_path, report, text):
    report.write_text("of the last import")
    file = tmp_path / "invoices.csv"
    file.write_text(text)
    with pytest.raises(ScriptError), planned_import(file, None):
        pass
    assert report.read_text().startswith("line,outcome,")


@pytest.mark.parametrize("invoice", ["発票3", "x" * 5000, "é", "tab\tbed"])
def test_any_invoice_number_makes_a_key_that_a_header_takes(invoice):
    key = import_orders._idempotency_key(invoice)  # its length and letters are seen by the server alone
    assert key.isascii()
    assert key.isprintable()
    assert len(key) < 200
    assert import_orders._idempotency_key("536365") == "invoice-536365"


def test_a_shop_without_an_import_needs_no_names_of_countries():
    program = "import sys; sys.modules['pycountry'] = None; import dev.run.command"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[4])


CELLS = st.sampled_from(
    ["1", "2", "C3", "MUG", "POT", "POST", "straße", "-2", "6.0", "0", "3000000000", "0.015", "1.00", "17850",
     "x" * 160, "United Kingdom", "DE", "Hungary", "Atlantis", '"', '"MUG', 'POT"', "\0", "発票3", "",
     " ", "[/]"]
)  # fmt: skip
GOOD = st.tuples(
    st.sampled_from(["1", "2", "3", "C1", "C2", "発票3"]),
    st.sampled_from(["MUG", "POT", "POST"]),
    st.sampled_from(["Blue mug", "“5 €”", ""]),
    st.sampled_from(["2", "-2", "6.0", "10000", "10001"]),
    st.sampled_from(["1.00", "0.015", "2.5", "0", "99999999999.99"]),
    st.sampled_from(["17850", "17851", ""]),
    st.sampled_from(["United Kingdom", "Hungary", "EIRE", "Atlantis"]),
).map(list)
LINES = st.lists(
    st.one_of(GOOD.map(",".join), st.lists(CELLS, max_size=9).map(",".join), st.text(max_size=60)),
    max_size=25,
).map("\n".join)
ANSWERS = st.fixed_dictionaries(
    {
        "refusal": st.sampled_from(["", "", "No."]),
        "cancel_refusal": st.sampled_from(["", "Too late."]),
        "status": st.sampled_from(["delivered", "cancelled", "needs_attention", ""]),
        "price": st.sampled_from(["1.00", "0.02", "14.90"]),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=LINES, answers=st.lists(ANSWERS, min_size=25, max_size=25), placed=st.integers(0, 25))
def test_the_outcomes_add_up_to_the_lines_of_any_file(tmp_path, text, answers, placed):
    file = tmp_path / "invoices.csv"
    file.write_bytes(f"{HEAD}\n{text}".encode())
    lines = [line for line in file.read_text(encoding="utf-8").split("\n")[1:] if line.strip()]
    plan = make_plan(*read_invoices(file))
    orders = [order(plan, place, **answers[place]) for place in range(min(placed, len(plan.orders)))]
    note_outcomes(plan, orders)
    numbers = [remark.line for remark in plan.remarks]
    assert numbers == sorted(set(numbers))
    assert sum(plan.outcomes.values()) == plan.lines == len(lines)
    assert min(plan.outcomes.values()) >= 0
    placed_orders = zip(plan.orders, orders, strict=False)
    imported = {line.number for one, to in placed_orders if not to.refusal for line in one.lines}
    left_out = {remark.line for remark in plan.remarks if remark.outcome == "left out"}
    assert not imported & left_out
    import_report.write_report(plan.remarks)
    import_report.show_remarks(plan)

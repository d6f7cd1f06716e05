"""CSV of a list: cells that no spreadsheet takes for a formula."""

import pytest

from shop.rest.lists import CsvRenderer


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-", "'-"),
        (-5, "-5"),
        (None, '""'),  # an empty line would be no row
        (True, "true"),
        ("a, b", '"a, b"'),
        ({"amount": "1.00"}, "1.00"),
    ],
)
def test_a_cell_is_a_value_and_no_formula(value, cell):
    rendered = CsvRenderer().render({"results": [{"it": value}], "next": None}).decode()
    assert rendered.splitlines()[1] == cell

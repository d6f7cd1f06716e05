"""Questions get the same answers alone and together, by one statement."""

from decimal import Decimal

import pytest

from shop.postgres.combined_selects import Select, fetch, fetch_together

pytestmark = pytest.mark.django_db

NAMES = ['Thé "Vert" \\ 茶', "{1}, %s", "a'b"]
THE_NAMES = Select(
    "SELECT name FROM unnest(%b::text[]) WITH ORDINALITY AS t (name, nr) ORDER BY nr",
    [NAMES],
    lambda rows: [row["name"] for row in rows],
)
A_SUM = Select(
    "SELECT (%s::numeric + %s::numeric)::text AS sum", [Decimal("0.10"), Decimal("0.20")], lambda rows: rows
)
NOTHING = Select("SELECT 1 AS one WHERE false", [], len)


def test_rows_come_in_their_order_and_to_the_letter():
    assert fetch(THE_NAMES) == NAMES


def test_two_questions_take_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert fetch_together(A_SUM, THE_NAMES) == ([{"sum": "0.30"}], NAMES)


def test_no_row_is_an_answer():
    assert fetch(NOTHING) == 0
    assert fetch_together(NOTHING, THE_NAMES) == (0, NAMES)

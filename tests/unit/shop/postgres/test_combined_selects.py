"""Combined selects: the same results as alone, in one statement."""

from decimal import Decimal

import pytest

from shop.postgres.combined_selects import Select, fetch, fetched_along

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


def test_two_selects_take_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        with fetched_along(A_SUM) as sums:
            assert fetch(THE_NAMES) == NAMES
        assert sums.result == [{"sum": "0.30"}]


def test_only_the_first_fetch_takes_the_companion_along(django_assert_num_queries):
    with django_assert_num_queries(2), fetched_along(A_SUM) as sums:
        fetch(THE_NAMES)
        first = sums.result
        assert fetch(THE_NAMES) == NAMES
        assert sums.result is first


def test_without_a_fetch_the_companion_goes_by_itself(django_assert_num_queries):
    with django_assert_num_queries(1):
        with fetched_along(A_SUM) as sums, pytest.raises(LookupError, match="before the first fetch"):
            _ = sums.result
        assert sums.result == [{"sum": "0.30"}]


def test_a_block_that_fails_leaves_nothing_for_the_next_fetch(django_assert_num_queries):
    with pytest.raises(ZeroDivisionError), fetched_along(A_SUM):
        raise ZeroDivisionError
    with django_assert_num_queries(1) as queries:
        fetch(THE_NAMES)
    assert "numeric" not in queries[0]["sql"]


def test_no_row_is_a_result():
    assert fetch(NOTHING) == 0
    with fetched_along(NOTHING) as nothing:
        assert fetch(THE_NAMES) == NAMES
    assert nothing.result == 0

"""Lists as parameters: UUIDs in one go, all others as psycopg writes them."""

from uuid import UUID, uuid4

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid", [uuid4(), UUID(int=0), UUID(int=2**128 - 1)]),
        ("uuid", [uuid4(), None]),
        ("uuid", []),
        ("int", [1, -2, None]),
        ("text", ["a", "{b}", None]),
    ],
)
@pytest.mark.parametrize("placeholder", ["%b", "%s"])
def test_lists_arrive_as_they_are(kind, values, placeholder):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {placeholder}::{kind}[]", [values])
        assert cursor.fetchone() == (values,)


def test_lists_of_lists_arrive_as_they_are():
    pairs = [[uuid4(), uuid4()], [uuid4(), uuid4()]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %b::uuid[]", [pairs])
        assert cursor.fetchone() == (pairs,)

"""The rule for calls to the outside: never inside a transaction, which would be open as long as they take."""

from django.db import transaction

from shop.messaging.errors import InsideTransaction


def outside_transaction() -> None:
    """Refuse to go on inside a transaction; the one around a test of Django's TestCase does not count.

    Raises InsideTransaction.
    """
    try:
        with transaction.atomic(durable=True):
            pass  # opens nothing at the server: psycopg sends BEGIN with the first statement
    except RuntimeError as error:
        raise InsideTransaction(InsideTransaction.__doc__) from error

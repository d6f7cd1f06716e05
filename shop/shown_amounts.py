"""Amounts in texts, with the separators of the page's language."""

from django.utils.formats import number_format


def for_reader(amount: object) -> str:
    """Write an amount such as ``1234.50 EUR`` with the separators of the page's language."""
    number, _, currency = str(amount).rpartition(" ")
    return f"{number_format(number)} {currency}" if number else str(amount)

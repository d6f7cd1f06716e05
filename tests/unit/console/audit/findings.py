"""Findings of the audit."""

from django.db import connection

from console.audit import audit
from orders.models import Order


def found(**options: bool) -> set[str]:
    """Return all violations as printed, without the padding."""
    return {" ".join(str(violation).split()) for violation in audit(**options).violations}


def says(order: Order, rule: str, text: str) -> set[str]:
    return {f"{rule} {order.number}: {text}"}


def unlock_log() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE messaging_eventrecord DISABLE TRIGGER USER")

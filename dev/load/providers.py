"""Faults of the simulated gateway and carrier, switched on and off for all processes of a shop."""

import psycopg

_BREAK = "insert into {} (kind, operation, seconds, calls_left, created_at) values (%s, %s, %s, %s, now())"
_MEND = "delete from {}"
_GATEWAY, _CARRIER = "payments_gatewayfault", "shipping_carrierfault"


def break_gateway(
    database_url: str, kind: str, operation: str = "", *, seconds: float = 0, calls: int | None = None
) -> None:
    """Make the gateway fail: ``outage``, ``timeout``, ``slow`` or ``refusal``, at one operation or at all."""
    _execute(database_url, _BREAK.format(_GATEWAY), kind, operation, seconds, calls)


def break_carrier(
    database_url: str, kind: str, operation: str = "", *, seconds: float = 0, calls: int | None = None
) -> None:
    """Make the carrier fail: ``outage``, ``timeout`` or ``slow``, at one operation or at all."""
    _execute(database_url, _BREAK.format(_CARRIER), kind, operation, seconds, calls)


def mend_gateway(database_url: str) -> None:
    """End all faults of the gateway."""
    _execute(database_url, _MEND.format(_GATEWAY))


def mend_carrier(database_url: str) -> None:
    """End all faults of the carrier."""
    _execute(database_url, _MEND.format(_CARRIER))


def _execute(database_url: str, statement: str, *parameters: object) -> None:
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as session:
        session.execute(statement.encode(), parameters)

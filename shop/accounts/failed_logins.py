"""Wrong passwords in a row for one account from one address, and the growing waits that follow."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

#: Wrong passwords before the first wait.
FREE_FAILURES = 5
#: Seconds of the first wait, which doubles with each failure, and of the longest.
FIRST_WAIT, LONGEST_WAIT = 60, 3600
#: Seconds after which failures are forgotten.
MEMORY = 24 * 3600

_RESERVE = f"""
    INSERT INTO accounts_failedlogin AS failed (key, failures, blocked_until, expires_at)
    VALUES (%s, 1, clock_timestamp(), clock_timestamp() + interval '{MEMORY} seconds')
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE WHEN failed.expires_at <= excluded.blocked_until THEN 1 ELSE failed.failures + 1 END,
        blocked_until = excluded.blocked_until + interval '1 second' * CASE
            WHEN failed.expires_at <= excluded.blocked_until OR failed.failures + 1 < {FREE_FAILURES} THEN 0
            ELSE LEAST({FIRST_WAIT} * 2 ^ LEAST(failed.failures + 1 - {FREE_FAILURES}, 20), {LONGEST_WAIT})
        END,
        expires_at = excluded.expires_at
    WHERE failed.blocked_until <= excluded.blocked_until
    RETURNING failures, EXTRACT(EPOCH FROM blocked_until - clock_timestamp())::float
"""  # noqa: S608 - constants
_REMAINING = """
    SELECT EXTRACT(EPOCH FROM blocked_until - clock_timestamp())::float
    FROM accounts_failedlogin WHERE key = %s
"""
_WITHDRAW = """
    UPDATE accounts_failedlogin SET failures = failures - 1, blocked_until = clock_timestamp() WHERE key = %s
"""
_FORGET = "DELETE FROM accounts_failedlogin WHERE key = %s"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Attempt that is counted as failed until something else is known."""

    failures: int
    #: Seconds that the next attempt has to wait.
    wait: float


def reserve(key: UUID) -> Reservation | None:
    """Count an attempt as failed; return None, and count nothing, while the account has to wait.

    It takes one statement, so that of concurrent attempts no more pass than of attempts in a row.
    """
    row = _execute(_RESERVE, key)
    return Reservation(int(row[0]), max(0.0, row[1])) if row else None


def remaining_wait(key: UUID) -> float:
    """Return the seconds that the account still has to wait."""
    row = _execute(_REMAINING, key)
    return float(row[0]) if row else 0.0


def withdraw(key: UUID) -> None:
    """Undo a reserve(): nobody has looked at the password."""
    _execute(_WITHDRAW, key)


def forget(key: UUID) -> None:
    """Forget all failures: the password was right."""
    _execute(_FORGET, key)


def _execute(statement: str, key: UUID) -> tuple[float, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [key])
        row: tuple[float, ...] | None = cursor.fetchone() if cursor.description else None
        return row

"""UUIDv7 ids, which sort by time of creation."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """Return a new time-ordered UUID (RFC 9562)."""
    return _uuid7()


def uuid7_at(moment: datetime) -> UUID:
    """Return the smallest id of a millisecond, for filters by age."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)


def uuid7_time(key: UUID) -> datetime:
    """Return the time of an id, to the millisecond."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)

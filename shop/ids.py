"""UUIDv7: ids that sort by time, so that indexes grow at their end."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562)."""
    return _uuid7()


def uuid7_at(moment: datetime) -> UUID:
    """The least id of that millisecond: what was made before has smaller ones, for looking up by age."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)

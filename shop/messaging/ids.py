"""UUIDv7: ids that sort by time, so that indexes grow at their end."""

from uuid import UUID

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> UUID:
    """A new time-ordered UUID (RFC 9562)."""
    return _uuid7()

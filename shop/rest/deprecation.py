"""Operations that will go away: marked in the OpenAPI document, and by headers of their answers.

For example::

    @deprecated(since=date(2027, 1, 15), until=date(2027, 8, 1), instead="order-list")
    def get(self, request: Request) -> Response: ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any

from django.urls import reverse
from django.utils.http import http_date

#: Time that clients have, as the introduction of the document promises.
NOTICE = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Announcement of an operation's end."""

    since: date
    #: The first day without it.
    until: date
    #: Name of the URL to use instead.
    instead: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the operation's answers: RFC 9745, RFC 8594 and RFC 8288."""
        return {
            "Deprecation": f"@{_seconds(self.since)}",
            "Sunset": http_date(_seconds(self.until)),
            "Link": f'<{reverse(self.instead)}>; rel="successor-version"',
        }


def deprecated(*, since: date, until: date, instead: str) -> Callable[[Any], Any]:
    """Announce that the decorated handler of a view goes away.

    Raises:
        ValueError: clients have less time than they were promised.
    """
    if until - since < NOTICE:
        raise ValueError(f"Clients have {NOTICE.days} days at least.")
    announcement = Deprecation(since, until, instead)

    def decorate(handler: Any) -> Any:
        @wraps(handler)
        def announcing(*args: Any, **kwargs: Any) -> Any:
            response = handler(*args, **kwargs)
            for name, value in announcement.headers.items():
                response[name] = value
            return response

        announcing.deprecation = announcement  # type: ignore[attr-defined]  # read by the document
        return announcing

    return decorate


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())

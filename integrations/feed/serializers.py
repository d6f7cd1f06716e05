"""Parameters and pages of the feed."""

import re
from typing import Any

from rest_framework import serializers

from integrations import catalogue
from integrations.models import ALL_EVENTS
from shop.rest.fields import TextField

#: Events of a page: by default, and at most.
LIMIT, MAX_LIMIT = 100, 1000
#: The most seconds of a long poll: less than proxies wait for an answer.
MAX_WAIT = 30
#: Stands for the newest position.
NOW = "now"
_POSITION = re.compile(r"\d{1,18}", re.ASCII)


class FeedQuery(serializers.Serializer[Any]):
    """Query parameters of the feed."""

    after = TextField(
        required=False,
        max_length=18,
        help_text="Position after which to read: `after` of the page before; the beginning without, and `now`"
        " for what comes from now on. The header `Last-Event-ID` takes precedence.",
    )
    types = TextField(
        required=False,
        max_length=1000,
        help_text="Types as `GET /webhook-event-types` lists them, separated by commas; all, in their newest"
        " versions, without.",
    )
    limit = serializers.IntegerField(
        required=False, default=LIMIT, min_value=1, max_value=MAX_LIMIT, help_text="Events of a page."
    )
    wait = serializers.FloatField(
        required=False,
        default=0.0,
        min_value=0,
        max_value=MAX_WAIT,
        help_text="Seconds to wait for the first event, if there is none. `Prefer: wait=…` does the same.",
    )

    def validate_after(self, text: str) -> str:
        """Refuse what is no position."""
        if text != NOW and not _POSITION.fullmatch(text):
            raise serializers.ValidationError(f"Give a position, as in 1042, or `{NOW}`.", code="invalid")
        return text

    def validate_types(self, text: str) -> tuple[str, ...]:
        """Refuse types that are not published."""
        wanted = tuple(sorted({name.strip() for name in text.split(",")}))
        known = {kind.type for kind in catalogue.choices()} | {ALL_EVENTS}
        if unknown := [name for name in wanted if name not in known]:
            raise serializers.ValidationError(
                f"No event has the type {unknown[0][:100]}: GET /api/v1/webhook-event-types lists them.",
                code="invalid_choice",
            )
        return wanted


class FeedEventOut(serializers.Serializer[Any]):
    """An event of the feed."""

    position = serializers.IntegerField(min_value=1, help_text="Its place in the log; there are gaps.")
    event = serializers.DictField(
        help_text="The CloudEvent, as webhooks send it; for customers without its data."
    )


class FeedPageOut(serializers.Serializer[Any]):
    """A page of the feed, oldest event first."""

    results = FeedEventOut(many=True)
    after = serializers.IntegerField(min_value=0, help_text="Position after which the next page begins.")
    has_more = serializers.BooleanField(help_text="There may be more events now.")
    next = serializers.CharField(help_text="Address of the next page. There always is one.")

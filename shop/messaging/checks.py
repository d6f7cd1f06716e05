"""System checks of settings and data that would break a guarantee of the kernel."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from shop.messaging.bus import outgoing
from shop.messaging.bus.port import BUSES
from shop.messaging.bus.transport_settings import scheme_of
from shop.messaging.consuming import failures
from shop.messaging.contracts import event_types
from shop.messaging.models import EventRecord
from shop.messaging.signing.keys import SHORTEST_KEY

#: Smallest sensible limit of a message: a bundle in four-byte characters, and an event of 200 lines.
SMALLEST_LIMIT = 512 * 1024


@register("messaging")
def inbox_outlasts_deliveries(**kwargs: Any) -> list[CheckMessage]:
    """Check that the inbox remembers an event for as long as a copy of it may be delivered."""
    if settings.SHOP_INBOX_RETENTION > failures.LONGEST_DELIVERY:
        return []
    return [
        Error(
            f"The inbox forgets a consumed event after {settings.SHOP_INBOX_RETENTION}, but its delivery may "
            f"take {failures.LONGEST_DELIVERY}: it could take effect twice.",
            hint="Set SHOP_INBOX_RETENTION_DAYS to more than one, better to 30.",
            id="messaging.E001",
        )
    ]


@register("messaging")
def bundles_can_be_carried(**kwargs: Any) -> list[CheckMessage]:
    """Check that a message carries between one event and LARGEST_BUNDLE."""
    if 1 <= settings.SHOP_EVENTS_PER_MESSAGE <= outgoing.LARGEST_BUNDLE:
        return []
    return [
        Error(
            f"The relay cannot put {settings.SHOP_EVENTS_PER_MESSAGE} events into one message.",
            hint=f"Set SHOP_EVENTS_PER_MESSAGE to 1 for no bundles, or up to {outgoing.LARGEST_BUNDLE}; "
            "25 is the default.",
            id="messaging.E003",
        )
    ]


@register("messaging")
def messages_fit_their_limits(**kwargs: Any) -> list[CheckMessage]:
    """Check that workers take the messages that the relay sends."""
    largest = settings.SHOP_MAX_EVENTS_PER_MESSAGE
    fits = largest >= min(settings.SHOP_EVENTS_PER_MESSAGE, outgoing.LARGEST_BUNDLE)
    if fits and settings.SHOP_MAX_MESSAGE_BYTES >= SMALLEST_LIMIT:
        return []
    return [
        Error(
            f"Workers take {largest} events and {settings.SHOP_MAX_MESSAGE_BYTES} bytes a message: too few.",
            hint="Set SHOP_MAX_EVENTS_PER_MESSAGE to no less than SHOP_EVENTS_PER_MESSAGE, and "
            f"SHOP_MAX_MESSAGE_BYTES to no less than {SMALLEST_LIMIT}.",
            id="messaging.E004",
        )
    ]


@register("messaging")
def the_event_bus_is_known(**kwargs: Any) -> list[CheckMessage]:
    """Check that SHOP_EVENT_BUS names Celery's broker, or a bus of its own whose client is installed."""
    if settings.SHOP_EVENT_BUS == settings.CELERY_BROKER_URL:
        return []
    scheme = scheme_of(settings.SHOP_EVENT_BUS)
    if scheme not in BUSES:
        return [
            Error(
                f"SHOP_EVENT_BUS names no event bus beside Celery's broker: {scheme or '(no scheme)'}.",
                hint="For RabbitMQ and the embedded broker set CELERY_BROKER_URL, and not SHOP_EVENT_BUS.",
                id="messaging.E006",
            )
        ]
    library, requirements = BUSES[scheme].library, BUSES[scheme].requirements
    if find_spec(library.split(".")[0]) and find_spec(library):
        return []
    hint = f"Install it: pip install --require-hashes -r {requirements}"
    return [Error(f"The client of the event bus is missing: {library}.", hint=hint, id="messaging.E007")]


@register("messaging")
def signing_keys_are_long(**kwargs: Any) -> list[CheckMessage]:
    """Check that each signing key has the length of a signature."""
    if all(len(key.encode()) >= SHORTEST_KEY for key in settings.SHOP_SIGNING_KEYS):
        return []
    hint = "Make each key of SHOP_SIGNING_KEYS by: openssl rand -hex 32"
    return [Error(f"A signing key has less than {SHORTEST_KEY} bytes.", hint=hint, id="messaging.E005")]


@register("messaging")
def the_log_key_is_a_key(**kwargs: Any) -> list[CheckMessage]:
    """Check that the key of the log's roots is none, or one of Ed25519."""
    digits = "[0-9a-fA-F]{64}"
    if not settings.SHOP_LOG_KEY or re.fullmatch(digits, settings.SHOP_LOG_KEY):
        return []
    hint = "Make one by: manage.py make_log_key"
    return [Error("SHOP_LOG_KEY is no key of 64 hexadecimal digits.", hint=hint, id="messaging.E008")]


@register(Tags.database)
def the_log_is_readable(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that each type in the log has an event class."""
    if not databases or "messaging_eventrecord" not in connection.introspection.table_names():
        return []
    logged = EventRecord.objects.order_by().values_list("type", flat=True).distinct()
    unknown = sorted(set(logged) - {kind.type for kind in event_types()})
    hint = "Keep the class of a version, and its golden file, as long as the log has events of it."
    return [
        Error(f"The log has events of {name}, which no class reads.", hint=hint, id="messaging.E002")
        for name in unknown
    ]

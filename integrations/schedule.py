"""Times of the attempts: three days with growing waits, and the pauses of an endpoint that fails."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from django.conf import settings
from django.utils import timezone

from shop.messaging.backoff import exponential_backoff

#: Time after which a delivery is given up.
LIFETIME = timedelta(days=3)
#: The longest wait that an endpoint can ask for.
MAX_RETRY_AFTER = timedelta(days=1)
#: Failures in a row after which an endpoint rests, and is then tried with one delivery.
BREAKER_OPENS_AT = 5
#: The longest rest.
MAX_REST = timedelta(minutes=15)
#: Share of a wait that jitter takes off at most.
_JITTER = 0.2


def retry_delay(nth: int) -> timedelta | None:
    """Return the wait after the ``nth`` failed attempt, counted from 1; None after the last one."""
    waits = settings.SHOP_ENDPOINT_RETRIES
    if nth > len(waits):
        return None
    return timedelta(seconds=float(waits[nth - 1]) * random.uniform(1 - _JITTER, 1))


def rest(failures: int) -> timedelta | None:
    """Return the rest of an endpoint after this many failures in a row; None below the limit."""
    if failures < BREAKER_OPENS_AT:
        return None
    return exponential_backoff(settings.SHOP_ENDPOINT_REST, failures - BREAKER_OPENS_AT + 1, MAX_REST)


def asked_wait(retry_after: str) -> timedelta | None:
    """Return the wait of a header Retry-After, seconds or a date; None if there is no sensible one."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        wait = timedelta(seconds=min(int(text[:10]), 10**9))
    else:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - timezone.now()
    return min(wait, MAX_RETRY_AFTER) if wait > timedelta(0) else None


def expiry(now: datetime) -> datetime:
    """Return the moment at which a delivery that begins now is given up."""
    moment: datetime = now + LIFETIME
    return moment

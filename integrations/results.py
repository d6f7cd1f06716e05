"""Consequences of requests: a delivery is done, due again or given up; an endpoint rests or is stopped."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from integrations import repository
from integrations.models import Attempt, Delivery, Endpoint
from integrations.requests import Result
from integrations.schedule import BREAKER_OPENS_AT, asked_wait, rest, retry_delay
from integrations.services import stop_and_tell
from shop.messaging.publishing import unit_of_work

#: Answers by which an endpoint says when to come again.
_BUSY = (429, 503)
_GONE = 410
#: Reasons of stopped endpoints. They are stored in English, and shown in each reader's language.
_WANTS_NO_MORE = gettext_noop("It answers 410 Gone: it wants no more webhooks.")
_NEVER_ANSWERED = gettext_noop("It has answered none of {number} requests since {day}.")


@unit_of_work()
def record_results(results: Sequence[Result]) -> None:
    """Write down what became of requests, and draw the consequences."""
    endpoints = _locked({result.delivery.endpoint_id for result in results})
    results = [one for one in results if one.delivery.endpoint_id in endpoints]  # others were deleted
    for result in results:
        result.delivery.endpoint = endpoints[result.delivery.endpoint_id]
    for endpoint in endpoints.values():
        _apply(endpoint, [one for one in results if one.delivery.endpoint_id == endpoint.pk])
    for result in results:
        _finish(result)
    Attempt.objects.bulk_create([_attempt(result) for result in results])
    repository.store_results([result.delivery for result in results])


def _locked(ids: Collection[UUID]) -> dict[UUID, Endpoint]:
    """Lock endpoints, so that their deliveries are written by one transaction at a time."""
    rows = Endpoint.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    return {endpoint.pk: endpoint for endpoint in rows}


def _apply(endpoint: Endpoint, results: Sequence[Result]) -> None:
    """Change an endpoint by its results; successes of one that works take no statement."""
    if not endpoint.failures and all(result.is_success for result in results):
        return
    for result in results:
        if result.is_success:
            _recover(endpoint)
        elif not result.is_hopeless:
            _fail(endpoint, result)
    endpoint.save(update_fields=["failures", "failing_since", "retry_at"])


def _recover(endpoint: Endpoint) -> None:
    """Close the breaker. What failed while it was open is due again at once."""
    if endpoint.failures >= BREAKER_OPENS_AT:
        waiting = Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING)
        waiting.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())
    endpoint.failures, endpoint.failing_since, endpoint.retry_at = 0, None, None


def _fail(endpoint: Endpoint, result: Result) -> None:
    now = timezone.now()
    endpoint.failing_since = endpoint.failing_since or result.at
    is_resting = endpoint.retry_at is not None and endpoint.retry_at > now
    if not (is_resting and endpoint.failures >= BREAKER_OPENS_AT):  # else it was sent before the rest began
        endpoint.failures += 1
    waits = [wait for wait in (rest(endpoint.failures), _asked(result)) if wait]
    if waits:
        endpoint.retry_at = max(now + max(waits), endpoint.retry_at or now)
    if endpoint.state != Endpoint.State.ENABLED:
        return
    if result.answer and result.answer.status == _GONE:
        stop_and_tell(endpoint, Endpoint.State.GONE, _WANTS_NO_MORE)
        Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING).update(
            state=Delivery.State.FAILED, finished_at=now
        )
    elif now - endpoint.failing_since >= settings.SHOP_ENDPOINT_PAUSE_AFTER:
        day = f"{endpoint.failing_since:%Y-%m-%d}"
        reason = _NEVER_ANSWERED.format(number=endpoint.failures, day=day)
        stop_and_tell(endpoint, Endpoint.State.PAUSED, reason)


def _finish(result: Result) -> None:
    """Set what the delivery is after the request."""
    delivery, now = result.delivery, timezone.now()
    delivery.attempts += 1
    delivery.leased_until = None
    if result.is_success:
        delivery.state, delivery.finished_at = Delivery.State.DELIVERED, now
        return
    due_at = _next_attempt(result, now)
    if due_at is None:
        delivery.state, delivery.finished_at = Delivery.State.FAILED, now
    else:
        delivery.due_at = due_at


def _next_attempt(result: Result, now: datetime) -> datetime | None:
    """Return the time of the next attempt; None after the last one, or if another one cannot help."""
    delivery = result.delivery
    wait = retry_delay(delivery.attempts)
    is_hopeless = result.is_hopeless or delivery.endpoint.state == Endpoint.State.GONE
    if wait is None or is_hopeless or now >= delivery.expires_at:
        return None
    return min(now + max(wait, _asked(result) or timedelta(0)), delivery.expires_at)


def _asked(result: Result) -> timedelta | None:
    answer = result.answer
    return asked_wait(answer.retry_after) if answer and answer.status in _BUSY else None


def _attempt(result: Result) -> Attempt:
    answer = result.answer
    return Attempt(
        delivery=result.delivery,
        at=result.at,
        url=result.delivery.endpoint.url,
        headers=result.headers,
        status=answer.status if answer else None,
        answer=answer.text.replace("\x00", "") if answer else "",
        error=result.error or (f"answered {answer.status}" if answer and not result.is_success else ""),
        milliseconds=round(result.seconds * 1000),
    )

"""Services of integrations: endpoints, their secrets, and the events that are taken up for them."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from integrations import catalogue, repository
from integrations.addresses import may_reach
from integrations.errors import InvalidEndpoint, TooManyEndpoints, WrongState
from integrations.events import EndpointStopped
from integrations.models import ALL_EVENTS, Delivery, Endpoint
from integrations.schedule import expiry
from integrations.secrets import new_secret, seal
from shop.messaging.event_log import LoggedFact
from shop.messaging.publishing import unit_of_work
from shop.messaging.scheduling import deliver

#: Reason of a pause by hand.
PAUSED_BY = gettext_noop("Paused by {name}: what happens meanwhile is not collected.")
#: The most endpoints that there are.
MAX_ENDPOINTS = 100


# --- Endpoints -------------------------------------------------------------------------------


@transaction.atomic
def create_endpoint(
    *, url: str, event_types: Sequence[str], contact: str, description: str = ""
) -> tuple[Endpoint, str]:
    """Make an endpoint, and return it with its secret, which is not shown again.

    Raises:
        InvalidEndpoint: the address or an event type is wrong.
        TooManyEndpoints: there are as many as there may be.
    """
    if Endpoint.objects.count() >= MAX_ENDPOINTS:
        raise TooManyEndpoints(
            gettext("There are as many endpoints as there may be: delete one that is not used any more.")
        )
    endpoint = Endpoint(url=url, contact=contact, description=description)
    endpoint.event_types = _checked_types(event_types)
    check_url(url)
    secret = new_secret()
    endpoint.secret = seal(secret, endpoint.pk)
    endpoint.save(force_insert=True)
    return endpoint, secret


@transaction.atomic
def change_endpoint(*, endpoint_id: UUID, **changes: object) -> Endpoint:
    """Change address, event types, contact or description. What waits goes to the new address."""
    endpoint = lock(endpoint_id)
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.event_types = _checked_types(endpoint.event_types)
    check_url(endpoint.url)
    endpoint.save(update_fields=["url", "event_types", "contact", "description"])
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint_id: UUID) -> tuple[Endpoint, str]:
    """Replace the secret and return the new one. The former one signs too, until the overlap is over."""
    endpoint, secret = lock(endpoint_id), new_secret()
    endpoint.former_secret, endpoint.secret = endpoint.secret, seal(secret, endpoint.pk)
    endpoint.former_secret_ends_at = timezone.now() + settings.SHOP_ENDPOINT_SECRET_OVERLAP
    endpoint.save(update_fields=["secret", "former_secret", "former_secret_ends_at"])
    return endpoint, secret


@transaction.atomic
def pause_endpoint(*, endpoint_id: UUID, by: str) -> Endpoint:
    """Pause an enabled endpoint. What waits for it is kept; what happens meanwhile is not collected."""
    endpoint = lock(endpoint_id)
    if endpoint.state != Endpoint.State.ENABLED:
        text = gettext("The endpoint is {state}.")
        raise WrongState(text.format(state=endpoint.get_state_display().lower()))
    stop(endpoint, Endpoint.State.PAUSED, PAUSED_BY.format(name=by))
    return endpoint


@unit_of_work()
def resume_endpoint(*, endpoint_id: UUID) -> Endpoint:
    """Enable a stopped endpoint. What it missed is sent by :func:`integrations.resending.send_again`."""
    endpoint = lock(endpoint_id)
    if endpoint.state == Endpoint.State.ENABLED:
        raise WrongState(gettext("The endpoint is enabled."))
    endpoint.state, endpoint.reason, endpoint.failures = Endpoint.State.ENABLED, "", 0
    endpoint.failing_since = endpoint.retry_at = None
    endpoint.events_since = timezone.now()
    endpoint.save()
    repository.wake()
    return endpoint


def stop(endpoint: Endpoint, state: Endpoint.State, reason: str) -> None:
    """Stop a locked endpoint."""
    endpoint.state, endpoint.reason, endpoint.stopped_at = state, reason[:200], timezone.now()
    endpoint.save(update_fields=["state", "reason", "stopped_at"])


def stop_and_tell(endpoint: Endpoint, state: Endpoint.State, reason: str) -> None:
    """Stop a locked endpoint, and have its contact told when the open transaction commits."""
    stop(endpoint, state, reason)
    assert endpoint.stopped_at  # noqa: S101 - it was stopped just now
    deliver(EndpointStopped(endpoint_id=endpoint.pk, stopped_at=endpoint.stopped_at))


@transaction.atomic
def delete_endpoint(*, endpoint_id: UUID) -> None:
    """Delete an endpoint with its deliveries."""
    lock(endpoint_id).delete()


def lock(endpoint_id: UUID) -> Endpoint:
    """Lock an endpoint until the transaction ends; Endpoint.DoesNotExist if there is none."""
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)


def _checked_types(names: Sequence[str]) -> list[str]:
    """Return event types, sorted and each once. InvalidEndpoint if one is not published."""
    if list(names) == [ALL_EVENTS]:
        return [ALL_EVENTS]
    unknown = sorted(set(names) - {kind.type for kind in catalogue.choices()})
    if unknown or not names:
        names_of_them = ", ".join(unknown) or gettext("nothing chosen")
        text = gettext("Not published: {types}.").format(types=names_of_them)
        raise InvalidEndpoint("event_types", text)
    return sorted(set(names))


def check_url(url: str) -> None:
    """Refuse an address that cannot be right. Names are resolved when a connection is made."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        expected = gettext("Write an address such as https://example.com/webhooks.")
        raise InvalidEndpoint("url", expected) from error
    if parts.scheme not in _schemes() or not host or parts.username is not None or parts.fragment:
        expected = gettext(
            "Write an address that begins with https://, without a name, a password or a fragment."
        )
        raise InvalidEndpoint("url", expected)
    try:
        ip_address(host)
    except ValueError:
        return
    if not may_reach(host, encrypted=parts.scheme == "https"):
        raise InvalidEndpoint("url", gettext("{host} is no public address.").format(host=host))


def _schemes() -> set[str]:
    return {"https", "http"} if settings.SHOP_ENDPOINT_NETWORKS else {"https"}


# --- Events ----------------------------------------------------------------------------------


def enabled_endpoints() -> list[Endpoint]:
    """Return the endpoints that get new events, without their secrets."""
    return list(Endpoint.objects.filter(state=Endpoint.State.ENABLED).defer("secret", "former_secret"))


def take_up(facts: Sequence[LoggedFact], endpoints: Sequence[Endpoint]) -> None:
    """Take up events of the log, for all endpoints that want them."""
    repository.add([new for endpoint in endpoints for new in deliveries_of(endpoint, facts)])


def deliveries_of(endpoint: Endpoint, facts: Sequence[LoggedFact], *, again: bool = False) -> list[Delivery]:
    """Return deliveries of those events that an endpoint wants; ``again``: also from before its time."""
    now = timezone.now()
    versions = {fact.type: catalogue.version_for(endpoint, fact.type) for fact in facts}
    return [
        delivery_of(endpoint, fact, wanted, now)
        for fact in facts
        if (wanted := versions[fact.type]) and (again or fact.time >= endpoint.events_since)
    ]


def delivery_of(endpoint: Endpoint, fact: LoggedFact, type_: str, now: datetime) -> Delivery:
    """Return a new delivery that is due now."""
    return Delivery(
        endpoint=endpoint,
        event_id=fact.id,
        type=type_,
        aggregate_id=fact.aggregate_id,
        sequence=fact.sequence,
        occurred_at=fact.time,
        due_at=now,
        expires_at=expiry(now),
        created_at=now,
    )

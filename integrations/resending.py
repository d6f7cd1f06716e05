"""Events sent again: a test, one delivery, a range, or all since a moment."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext

from integrations import catalogue, repository
from integrations.errors import WrongState
from integrations.events import ResendDue
from integrations.models import Delivery, Endpoint
from integrations.schedule import expiry
from integrations.services import deliveries_of, delivery_of, lock
from shop.ids import uuid7, uuid7_at
from shop.messaging.event_log import LoggedFact, logged_between
from shop.messaging.publishing import unit_of_work
from shop.messaging.scheduling import deliver

#: Type of a test, which is no event of the log.
TEST_TYPE = "integrations.EndpointTested.v1"
#: Events of a range that one transaction takes up.
PART = 1000


@unit_of_work()
def send_test(*, endpoint_id: UUID) -> Delivery:
    """Send a test to an enabled endpoint: signed and delivered as an event, about the endpoint itself."""
    endpoint = _enabled(endpoint_id)
    now = timezone.now()
    fact = LoggedFact(uuid7(), TEST_TYPE, uuid7(), 1, now)
    delivery = delivery_of(endpoint, fact, TEST_TYPE, now)
    delivery.save()
    repository.wake()
    return delivery


@unit_of_work()
def send_one_again(*, delivery_id: int) -> Delivery:
    """Send an event again that was delivered or given up, with all its attempts anew.

    Raises:
        WrongState: it is on its way, or the endpoint is stopped.
    """
    delivery = Delivery.objects.select_related("endpoint").get(pk=delivery_id)
    _enabled(delivery.endpoint_id)
    delivery = Delivery.objects.select_for_update(of=["self"]).get(pk=delivery_id)
    if delivery.state == Delivery.State.PENDING:
        raise WrongState(gettext("The event is on its way already."))
    delivery.state, delivery.attempts, delivery.finished_at = Delivery.State.PENDING, 0, None
    delivery.due_at = timezone.now()
    delivery.expires_at = expiry(delivery.due_at)
    delivery.save()
    repository.wake()
    return delivery


@unit_of_work()
def send_again(*, endpoint_id: UUID, since: datetime, until: datetime | None = None) -> UUID:
    """Have all events of a time sent that the endpoint wants; return a name for the request.

    It does not matter whether it got them before. They come from the log, part by part. Those that are on
    their way stay as they are.
    """
    _enabled(endpoint_id)
    before = uuid7_at(until) if until else uuid7()
    request = ResendDue(request_id=uuid7(), endpoint_id=endpoint_id, after=uuid7_at(since), before=before)
    deliver(request)
    return request.request_id


def resend_part(*, due: ResendDue) -> None:
    """Take up the next part of a range and deliver the reminder of the one after it.

    A stopped endpoint ends the range.
    """
    endpoint = Endpoint.objects.filter(pk=due.endpoint_id, state=Endpoint.State.ENABLED).first()
    if endpoint is None:
        return
    facts = logged_between(due.after, due.before, types=catalogue.logged_as([endpoint]), limit=PART)
    repository.add(deliveries_of(endpoint, facts, again=True), again=True)
    if len(facts) == PART:
        deliver(due.model_copy(update={"after": facts[-1].id}))


def _enabled(endpoint_id: UUID) -> Endpoint:
    endpoint = lock(endpoint_id)
    if endpoint.state != Endpoint.State.ENABLED:
        text = gettext("The endpoint is {state}: resume it first.")
        raise WrongState(text.format(state=endpoint.get_state_display().lower()))
    return endpoint

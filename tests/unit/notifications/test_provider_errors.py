"""A provider's API that refuses one address is no outage; one that refuses all requests is."""

from datetime import UTC, datetime

import pytest
from django.core.mail.backends.locmem import EmailBackend

from notifications import services
from notifications.errors import ResendFailed
from notifications.models import Kind, Notification, Recipient, State
from notifications.wording import day_of
from tests.unit.notifications.support import known_recipients

pytestmark = pytest.mark.django_db(transaction=True)


class ApiError(Exception):
    """Error of a client with the status as an attribute."""

    def __init__(self, status):
        super().__init__(f"the API answered {status}")
        self.status_code = status


class RequestError(OSError):
    """Error of a client that carries the response, and is an OSError as those of requests are."""

    def __init__(self, status):
        super().__init__(f"{status} for url")
        self.response = type("Response", (), {"status_code": status})()


class ClientError(Exception):
    """Error of a client of a cloud, whose response is a mapping."""

    def __init__(self, status):
        super().__init__("MessageRejected")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


class ProviderRecipientsRefused(Exception):
    """Error without a status."""

    def __init__(self, status):
        super().__init__("all recipients are invalid")


class ApiBackend(EmailBackend):
    """Backend of a provider's API that raises for some recipients."""

    error, refused = None, ""

    def send_messages(self, messages):
        if any(self.refused in recipient for message in messages for recipient in message.to):
            raise self.error
        return super().send_messages(messages)


@pytest.fixture
def provider(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.ApiBackend"

    def raises(error, refused=""):
        monkeypatch.setattr(ApiBackend, "error", error)
        monkeypatch.setattr(ApiBackend, "refused", refused)

    return raises


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ApiError, 400),
        (ApiError, 422),
        (RequestError, 422),
        (ClientError, 400),
        (ProviderRecipientsRefused, 0),
    ],
)
def test_an_address_that_a_provider_refuses_fails_its_message_alone(provider, mailoutbox, kind, status):
    first, refused, last = known_recipients(3)
    Recipient.objects.filter(order_id=refused).update(email="gone@example.com")
    provider(kind(status), "gone@")
    services.send_messages(kind=Kind.PAYMENT_FAILED, contexts={o: {} for o in (first, refused, last)})
    states = dict(Notification.objects.values_list("order_id", "state"))
    assert states == {first: State.SENT, refused: State.FAILED, last: State.SENT}
    assert Notification.objects.get(order_id=refused).last_error


@pytest.mark.parametrize(
    ("kind", "status"), [(ApiError, 401), (ApiError, 429), (ApiError, 503), (RequestError, 502)]
)
def test_an_answer_about_the_account_or_the_provider_is_an_outage(provider, kind, status):
    (order,) = known_recipients(1)
    provider(kind(status))
    with pytest.raises(kind):
        services.send_messages(kind=Kind.PAYMENT_FAILED, contexts={order: {}})
    assert Notification.objects.get().state == State.QUEUED


def test_an_operator_sees_why_a_provider_does_not_take_a_message(provider):
    (order,) = known_recipients(1)
    provider(ApiError(422))
    services.send_messages(kind=Kind.PAYMENT_FAILED, contexts={order: {}})
    provider(ApiError(503))
    with pytest.raises(ResendFailed, match="503"):
        services.resend(notification_id=Notification.objects.get().pk, by="olga")


def test_a_day_in_a_letter_says_its_time_zone():
    assert day_of(datetime(2026, 11, 28, 23, 30, tzinfo=UTC)) == "28 November 2026 (UTC)"
    assert day_of(datetime.fromisoformat("2026-11-29T01:30:00+02:00")) == "28 November 2026 (UTC)"

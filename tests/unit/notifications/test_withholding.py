"""Nothing is mailed to an address that nobody has confirmed; what was withheld is sent afterwards."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from notifications import services
from notifications.errors import StillWaiting
from notifications.models import Notification, Recipient
from shop.accounts import confirmation
from shop.accounts.models import UnconfirmedAddress
from shop.messaging.models import OutboxEntry
from tests.support.inprocess import fire_reminders, fire_retries
from tests.unit.notifications.facts import later_events, order_created, published
from tests.unit.notifications.support import deliver_together, states

pytestmark = pytest.mark.django_db(transaction=True)
SITE = "http://testserver"


@pytest.fixture
def grace() -> User:
    """A customer who has not confirmed the address."""
    return unconfirmed_customer("grace@example.com")


def unconfirmed_customer(email: str) -> User:
    user = User.objects.create_user(email, email)
    UnconfirmedAddress.objects.create(user=user, email=email, is_in_use=True)
    return user


def order_of(email: str, number: str = "ORD-1"):
    event = published(order_created(number, email=email))
    deliver_together([event])
    return event


def release() -> None:
    """Deliver the reminders alone, and not the rest of the chain."""
    OutboxEntry.objects.all().delete()
    fire_reminders()


def confirm(email: str) -> None:
    confirmation.confirm(UnconfirmedAddress.objects.get(email=email), site=SITE)


def test_nothing_is_mailed_to_an_unconfirmed_address(grace, mail):
    created = order_of("Grace@Example.com")
    for event in later_events(created.order_id):
        deliver_together([published(event)])
    assert mail.mails == []
    assert set(states()) == {"withheld"}
    assert {row.last_error for row in Notification.objects.all()} == {services.UNCONFIRMED}


def test_others_get_their_messages_meanwhile(grace, mail):
    orders = [
        published(order_created(f"ORD-{n}", email=email))
        for n, email in enumerate(["grace@example.com", "alice@example.com"])
    ]
    deliver_together(orders)
    assert states() == ["sent", "withheld"]
    assert [message["To"] for message in mail.mails] == ["Alice Liddell <alice@example.com>"]


def test_what_was_withheld_is_sent_in_its_order_once_the_address_is_confirmed(grace, mail):
    created = order_of(grace.email)
    deliver_together([published(later_events(created.order_id)[0])])
    confirm(grace.email)
    release()
    assert mail.subjects == [
        "We have received your order ORD-1",
        "Your payment for order ORD-1",
    ]
    assert states() == ["sent", "sent"]
    release()
    assert len(mail.mails) == 2
    deliver_together([published(later_events(created.order_id)[3])])
    assert len(mail.mails) == 3, "later messages go out at once"


def test_what_was_withheld_from_a_misspelt_address_goes_to_the_one_that_is_confirmed(grace, mail):
    created = order_of(grace.email)
    UnconfirmedAddress.objects.create(user=grace, email="hopper@example.com", is_in_use=False)
    confirm("hopper@example.com")
    release()
    assert [message["To"] for message in mail.mails] == ["Alice Liddell <hopper@example.com>"]
    assert Recipient.objects.get(pk=created.order_id).email == "hopper@example.com"


def test_an_operator_cannot_send_what_is_withheld(grace, mail):
    order_of(grace.email)
    with pytest.raises(StillWaiting, match="confirmed"):
        services.resend(notification_id=Notification.objects.get().pk, by="olga")
    assert mail.mails == []


class ConfirmingBackend(BaseEmailBackend):
    """Mail server during whose reply a customer confirms the address, in another process."""

    def send_messages(self, messages) -> int:
        if UnconfirmedAddress.objects.exists():
            with ThreadPoolExecutor(1) as web:
                web.submit(confirm_and_disconnect).result(timeout=30)
        return len(messages)


def confirm_and_disconnect() -> None:
    try:
        confirm("grace@example.com")
    finally:
        connection.close()


def test_an_address_that_is_confirmed_while_its_message_is_being_withheld_gets_it(grace, settings):
    settings.EMAIL_BACKEND = f"{__name__}.ConfirmingBackend"
    emails = ("alice@example.com", grace.email)
    batch = [published(order_created(f"ORD-{n}", email=email)) for n, email in enumerate(emails)]
    OutboxEntry.objects.all().delete()
    deliver_together(batch)
    fire_retries()
    assert states() == ["sent", "sent"]

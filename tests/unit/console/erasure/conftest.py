"""A customer with a rare name, who left traces everywhere."""

import json

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django_celery_results.models import TaskResult
from django_otp.plugins.otp_totp.models import TOTPDevice

from notifications import services as notifications
from notifications.models import Notification
from orders.events import OrderCreatedV1
from orders.models import Order
from orders.notes.services import add_note, add_tag
from shop.accounts import api_keys, mails, two_factor
from shop.accounts.models import AccountMail, UnconfirmedAddress
from shop.ids import uuid7
from shop.messaging.contracts import Money
from shop.messaging.models import DeadLetter, DeadLetterAction, ScheduledMessage
from tests.unit.console.conftest import Shop

NAME, EMAIL = "Zebulon Quuxworth", "zebulon@quuxworth.example"
NEXT_EMAIL = "z.quuxworth@next.example"
STREET, PHONE, TOKEN = "17 Xylophone Mews", "+44 7700 900123", "pm_card_of_quuxworth"
SECOND_LINE, REGION, MOBILE = "Attic of Wigglesworth", "Fernando Po", "+44 7911 123456"
#: What identifies the customer, in any column of any table.
WORDS = ["zebulon", "quuxworth", "xylophone", "7700 900123", "kryptonia", "qx9 9zz", "wigglesworth"]
WORDS += ["fernando po", "7911 123456"]


class Zebulon:
    """The customer, with an API key and a session."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        first_name, last_name = NAME.split()
        self.user = User.objects.create_user(
            "zebulon.quuxworth", EMAIL, "correct horse", first_name=first_name, last_name=last_name
        )
        self.key = api_keys.replace_keys(users=[self.user], name="Zebulon's laptop")["zebulon.quuxworth"]
        self.browser = Client()
        self.browser.force_login(self.user)
        self.browser.post("/basket/add", {"sku": "MUG", "quantity": 1})

    def order(self, *, street: str = STREET, pays_with: str = "pm_card_visa", cancel: bool = False) -> Order:
        """Place an order by REST, and follow it to its end."""
        body = {
            "lines": [{"sku": "MUG", "quantity": 1}],
            "ship_to": {
                "name": NAME, "street": f"{street}, {PHONE}", "city": "Kryptonia", "postal_code": "QX9 9ZZ",
                "country": "GB", "second_line": SECOND_LINE, "region": REGION, "phone": MOBILE,
            },
            "payment_method": pays_with,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"zebulon-{uuid7()}"}
        client = Client()
        answer = client.post("/api/v1/orders", json.dumps(body), "application/json", headers=headers)
        assert answer.status_code == 201, answer.content
        if cancel:
            client.post(
                f"/api/v1/orders/{answer.json()['id']}/cancel",
                content_type="application/json",
                headers=headers,
            )
        self.shop.run_to_end()
        return Order.objects.get(pk=answer.json()["id"])

    def change_address(self, email: str) -> None:
        User.objects.filter(pk=self.user.pk).update(email=email)

    def leave_traces_in_the_account(self) -> None:
        """Leave e-mails about the account, an address to confirm, a second factor, and its removal."""
        for kind, email in (("reset", EMAIL), ("confirm", NEXT_EMAIL)):
            AccountMail.objects.create(kind=kind, email=email, site="http://testserver")
        UnconfirmedAddress.objects.create(user=self.user, email=NEXT_EMAIL, is_in_use=False)
        device = two_factor.begin_enrolment(self.user)
        device.name = "Zebulon's telephone"
        device.save()
        operator = User.objects.get(username="operator")
        for model, text in ((TOTPDevice, str(device)), (UnconfirmedAddress, NEXT_EMAIL)):
            LogEntry.objects.create(
                user=operator, content_type=ContentType.objects.get_for_model(model), object_id="1",
                object_repr=text, action_flag=DELETION,
            )  # fmt: skip

    def leave_traces_of_operators(self, order: Order) -> None:
        """Leave what an operator's work, failed deliveries and an earlier release leave behind."""
        sent = Notification.objects.filter(order_id=order.pk).first()
        notifications.resend(notification_id=sent.pk, by="operator", email="z.quuxworth@other.example")
        add_note(order_id=order.pk, text=f"Rang {NAME}.", by="operator")
        add_tag(order_id=order.pk, name="quuxworth")
        operator = User.objects.get(username="operator")
        LogEntry.objects.create(
            user=operator, content_type=ContentType.objects.get_for_model(User), object_id=str(self.user.pk),
            object_repr=self.user.username, action_flag=CHANGE,
        )  # fmt: skip
        LogEntry.objects.create(
            user=operator, content_type=ContentType.objects.get_for_model(Order), object_id=str(order.pk),
            object_repr=f"Order of {NAME}", action_flag=CHANGE,
        )  # fmt: skip
        mails.enqueue(AccountMail.Kind.ADDRESS_CHANGED, EMAIL, "http://testserver")
        mails.send_due()
        TaskResult.objects.create(task_id="1", task_kwargs=f"{{'search': '{EMAIL}'}}", result="{}")
        body = _from_before(order)
        failed = {"app": "shipping", "type": OrderCreatedV1.type, "aggregate_id": order.pk, "body": body}
        letter = DeadLetter.objects.create(
            **failed, cause="failed", consumer="shipping.when_order_created_remember_address",
            event_id=uuid7(), error_type="ValueError", error=f"{NAME}: no such street",
            traceback=f"ValueError: {NAME}",
        )  # fmt: skip
        DeadLetterAction.objects.create(dead_letter=letter, action="edit", by="operator", diff=f"-{NAME}")
        DeadLetter.objects.create(
            app="shipping", cause="unreadable", body=body.replace('"data"', '"Data"'), error_type="x",
            error=f"{NAME} is no name",
        )  # fmt: skip
        ScheduledMessage.objects.create(
            **failed, kind="retry", consumer="shipping.x", due_at=order.placed_at, last_error=f"no {EMAIL}"
        )


def _from_before(order: Order) -> str:
    """Return the CloudEvent of the order as an earlier release sent it."""
    event = OrderCreatedV1(
        order_id=order.pk, number=order.number, customer_id=order.customer_id, customer_name=NAME,
        customer_email=EMAIL, lines=[line.fact for line in order.lines.all()],
        total=Money(amount=order.total, currency="EUR"), payment_method=TOKEN, ship_to=order.ship_to,
    )  # fmt: skip
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid7()),
            "source": "/shop/orders",
            "type": event.type,
            "subject": str(order.pk),
            "time": order.placed_at.isoformat(),
            "data": event.model_dump(mode="json"),
        }
    )


@pytest.fixture
def zebulon(shop: Shop, settings, tmp_path) -> Zebulon:
    settings.SHOP_ERASURES_FILE = str(tmp_path / "apart" / "erasures")
    return Zebulon(shop)

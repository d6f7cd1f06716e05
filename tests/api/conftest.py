"""A seeded shop with orders in several states, and the API's document as each kind of account uses it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import Group, User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from schemathesis.config import SchemathesisConfig

from console import roles
from console.seeding import seed
from orders import services as orders
from orders.events import Address
from orders.history import payment_needs
from orders.intake import OrderRequest
from orders.models import Order
from orders.payments.outcomes import Outcome, record_needs
from orders.refunds.plan import Wish
from orders.refunds.services import request_refund
from orders.returns.services import approve_return, request_return
from orders.states import PaymentNeeds
from shop.accounts import api_keys
from shop.messaging.contracts import Money
from tests.architecture.rights.world import make_endpoints
from tests.support import outcomes
from tests.support.inprocess import deliver_all, fire_reminders

#: Seed of the gate; ``script/test --long`` has one of its own, and looks deeper.
SEED = int(os.environ.get("SHOP_TEST_LONG", "16"))
IS_LONG = "SHOP_TEST_LONG" in os.environ
EXAMPLES = 200 if IS_LONG else 2

# Files are texts to Schemathesis.
schemathesis.serializer.alias("text/csv", "text/plain")

GROUPS = ["Support", "Warehouse", "Finance", "Operations", "Auditor"]

#: Operations that refuse what no schema can say: unknown products and accounts, times past, periods reversed.
SEMANTIC = (
    "orders_create",
    "orders_refunds_create",
    "orders_returns_create",
    "orders_returns_receive_create",
    "keys_create",
    "webhook_endpoints_create",
    "webhook_endpoints_partial_update",
    "token_create",
    "stock_movements_create",
    "stock_files_create",
    "events_retrieve",
    "orders_events_retrieve",
    "categories_create",
    "products_create",
    "products_partial_update",
    "stock_adjust_create",  # JSON Schema takes 2.0 for an integer
    "products_list",  # Schemathesis fits patterns to lengths, and so makes more words than the pattern allows
    "analytics_daily_sales_list",
    "analytics_funnel_list",
    "analytics_step_times_list",
)


@dataclass(frozen=True)
class Visit:
    """The API's document, for requests of one kind of account."""

    schema: Any
    #: Credentials.
    headers: dict[str, str]


@pytest.fixture
def seeded(db, settings, tmp_path) -> None:
    """A demonstration shop with orders of several outcomes, among them a refund that failed."""
    settings.EMAIL_BACKEND = "notifications.simulator.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    settings.SHOP_TRACKING_INTERVAL = settings.SHOP_REFUND_CHECK_INTERVAL = timedelta(milliseconds=1)
    settings.SHOP_CAPTURE = "placed"
    settings.SHOP_ANONYMOUS_REQUESTS_A_MINUTE = 0
    settings.SHOP_REQUESTS_A_MINUTE = settings.SHOP_ORDERS_A_MINUTE = 0
    seed()
    place("pm_card_visa")
    place("pm_card_visa_chargeDeclined")
    place("pm_card_refundFail", street="EZ6000000006")  # the carrier refuses it
    place("pm_card_captureFail")
    deliver_all()
    for _ in range(3):
        fire_reminders()
    held_up = place("pm_card_visa", mugs=3)
    hold_up(held_up)
    wish = Wish(amount=Money(amount="0.50", currency="EUR"))
    request_refund(order_id=held_up.pk, wish=wish, reason="it had a scratch")
    place("pm_card_visa")
    send_back(place("pm_card_visa", mugs=9))
    decline(place("pm_card_visa_chargeDeclined", retry_payment=True))
    make_endpoints()


def decline(order: Order) -> None:
    """Have an order wait for other means of payment."""
    needs = PaymentNeeds.OTHER_MEANS
    record_needs([Outcome(order.pk, 1, needs, partial(payment_needs, attempt=1, needs=needs))])


def send_back(order: Order) -> None:
    """Deliver an order, with one return that is asked for, and one that is approved."""
    outcomes.delivered(order)
    ask = partial(request_return, order_id=order.pk, reason="a crack", by_customer=True)
    ask(lines={"MUG": 1})
    approve_return(order_id=order.pk, return_id=ask(lines={"MUG": 2}).pk)


def hold_up(order: Order) -> None:
    """Have a shipped order need attention, so that it may go on waiting, be sent again or settled."""
    outcomes.record_shipments(order_ids=[order.pk])
    assert orders.hold_up_order(order_id=order.pk, seen="shipped", reason="delivery_overdue", note="")


def place(
    payment_method: str, street: str = "Broad Street 1", mugs: int = 1, *, retry_payment: bool = False
) -> Order:
    """Place an order of Alice's."""
    return orders.place_order(
        customer=User.objects.get(username="alice"),
        request=OrderRequest(
            lines=[("MUG", mugs)],
            ship_to=Address(
                name="Alice Liddell", street=street, city="Oxford", postal_code="OX1 3AZ", country="GB"
            ),
            payment_method=payment_method,
            retry_payment=retry_payment,
        ),
    )


@pytest.fixture
def _open_connection() -> Iterator[None]:
    """Requests keep the connection, and the transaction of the test, open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(params=["anonymous", "customer", "superuser", *GROUPS])
def visit(request: pytest.FixtureRequest, seeded, _open_connection) -> Visit:
    """A visit of each kind of account; the superuser's is the deepest, as others differ in rights alone."""
    user = user_of(request.param)
    headers = {"Authorization": f"Bearer {api_keys.exchange_password(user=user)}"} if user else {}
    return Visit(load_schema(is_deep=request.param == "superuser"), headers)


def user_of(kind: str) -> User | None:
    """The user of a kind of account; None for the public."""
    if kind == "anonymous":
        return None
    if kind not in GROUPS:
        return User.objects.get(username={"customer": "alice", "superuser": "operator"}[kind])
    user = User.objects.create_user("grace", is_staff=True)
    roles.make_groups()  # tests with transactions of their own empty the tables
    user.groups.set(Group.objects.filter(name=kind))
    assert user.groups.count() == 1
    return user


def load_schema(*, is_deep: bool) -> Any:
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "headers": {"Host": "localhost"},
            "phases": {"coverage": {"enabled": is_deep}},
            "generation": {
                "max-examples": EXAMPLES if is_deep else max(1, EXAMPLES // 2),
                "database": "none",
                "deterministic": not IS_LONG,
                "with-security-parameters": False,
            },
            "checks": {
                "negative_data_rejection": {"expected-statuses": ["4xx"]},
                "positive_data_acceptance": {
                    "expected-statuses": ["2xx", "3xx", "401", "403", "404", "409", "412", "422"]
                },
            },
            "operations": [
                {
                    "include-operation-id": operation,
                    "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "4xx"]}},
                }
                for operation in SEMANTIC
            ],
        }
    )
    origin = {"Host": "localhost", "Accept": "application/json"}
    return schemathesis.openapi.from_wsgi("/api/v1/schema", WSGIHandler(), config=config, headers=origin)

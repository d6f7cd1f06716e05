"""A shop with one object of every kind, and visitors with chosen permissions."""

import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Model
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import resolve
from django_celery_results.models import GroupResult, TaskResult
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIRequestFactory, force_authenticate

from analytics.models import JournalEntry
from console.models import Alert, Checkup, LostOrder, Repair
from integrations.models import Attempt, Delivery, Endpoint
from integrations.services import create_endpoint, pause_endpoint
from inventory.models import Product
from inventory.services import add_category
from notifications.models import Notification, Resend
from orders.bulk.services import prepare
from orders.models import Order, RefundRequest, Return, SavedAddress
from orders.notes.services import add_tag
from orders.returns.services import approve_return, request_return
from orders.services import hold_up_order
from payments.models import Dispute, GatewayFault, Payment, Refund
from shipping.carrier import Destination
from shipping.models import CarrierFault, EasyPostBooking, Shipment, SimulatedLabel, TrackingEvent
from shipping.services import PlacedOrder, remember_orders
from shop.accounts.api_keys import create_key
from shop.accounts.models import (
    AccountMail,
    FailedLogin,
    Guest,
    OperatorZone,
    RecoveryCode,
    RequestCount,
    UnconfirmedAddress,
)
from shop.ids import uuid7
from shop.messaging.dead_letters import discard_dead_letter
from shop.messaging.models import Circuit, Horizon, LogRoot, OutboxEntry, ScheduledMessage, WorkerNode
from shop.rest.models import IdempotencyRecord
from shop.webhooks.models import AskedUntil, ProviderNotice
from tests.support import outcomes
from tests.support.inprocess import deliver_all
from tests.support.outcomes import delivered
from tests.unit.console.conftest import Shop
from tests.unit.shop.messaging.dead_letters.examples import died

#: Statements that change rows, other than those of sessions, of counted requests and of the use of a key.
_WRITES = re.compile(
    r"\b(INSERT INTO|UPDATE(?= \"?\w+\"? SET)|DELETE FROM)\b"
    r"(?! \"?(django_session|accounts_requestcount|accounts_apikey SET last))"
)
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class World:
    """The shop, and those who visit it."""

    def __init__(self) -> None:
        shop = Shop()
        self.alice, self.bob = (User.objects.get(username=name) for name in ("alice", "bob"))
        self.staff = User.objects.create_user("sam", is_staff=True)
        self.held_up = shop.stuck_refund()
        self.uncaptured = Payment.objects.get(order_id=shop.stuck_capture().pk)
        self.payable = _payable_order(shop)
        self.order = shop.place()
        self.waiting, self.lost = _waiting_order(shop), _overdue_order(shop)
        self.refund = Refund.objects.get(payment__order_id=self.held_up.pk)
        self.requested = RefundRequest.objects.create(
            order=self.order, amount=Decimal("1.00"), currency="EUR", reason="a scratch"
        )
        self.delivered = _delivered_order(shop)
        self.returned, self.awaited = _returns_of(self.delivered)
        self.product = Product.objects.get(sku="MUG")
        self.category = add_category(slug="mugs", name="Mugs")
        self.notification = Notification.objects.filter(order_id=self.held_up.pk).earliest("pk")
        self.shipment, self.parcel = _waiting_shipment(), _booked_parcel()
        self.of_order = Shipment.objects.get(order_id=self.held_up.pk)
        self.letter, discarded = died(), died()
        discard_dead_letter(dead_letter_id=discarded.pk, by="olga", reason="a test")
        self.bulk = prepare(action="cancel", orders=[self.order], given={}, by=self.staff)
        self.key, _ = create_key(user=self.alice, name="till")
        self.address = SavedAddress.objects.create(
            customer=self.alice, name="A", street="1 Hill", country="GB"
        )
        self.hook, self.paused_hook, self.delivery = make_endpoints()
        _make_the_rest(self)

    @cached_property
    def permissions(self) -> frozenset[str]:
        """All permissions of the shop."""
        rows = Permission.objects.values_list("content_type__app_label", "codename")
        return frozenset(f"{app_label}.{codename}" for app_label, codename in rows)

    @property
    def views(self) -> frozenset[str]:
        """All permissions to read."""
        return frozenset(name for name in self.permissions if ".view_" in name)

    def with_permissions(self, permissions: Collection[str], *, superuser: bool = False) -> User:
        """Return the member of staff, who has these permissions alone."""
        user = User.objects.get(pk=self.staff.pk)
        user.is_superuser = superuser
        user._perm_cache = set(permissions)  # type: ignore[attr-defined]  # spares thousands of statements
        return user

    def example_of(self, model: type[Model]) -> Model:
        """Return an object of a model, the one that acts are tried on where there is one."""
        for known in (
            self.order,
            self.uncaptured,
            self.refund,
            self.product,
            self.category,
            self.notification,
            self.shipment,
            self.letter,
            self.hook,
        ):
            if isinstance(known, model):
                return known
        if model is User:
            return self.bob
        found = model._default_manager.first()
        assert found, f"the world has no {model._meta.label}"
        return found


def _waiting_order(shop: Shop) -> Order:
    """An order that the stock has not answered."""
    order = shop.place()
    outcomes.record_payments(order_ids=[order.pk])
    assert hold_up_order(order_id=order.pk, seen="paid", reason="stock_overdue", note="")
    return order


def _overdue_order(shop: Shop) -> Order:
    """An order whose parcel has not arrived."""
    order = shop.place()
    outcomes.record_shipments(order_ids=[order.pk])
    assert hold_up_order(order_id=order.pk, seen="shipped", reason="delivery_overdue", note="")
    return order


def _delivered_order(shop: Shop) -> Order:
    """An order that its customer has."""
    order = shop.place(MUG=3)
    delivered(order)
    return order


def _returns_of(order: Order) -> tuple[Return, Return]:
    """A return that is asked for, and one whose goods are awaited."""
    ask = partial(request_return, order_id=order.pk, reason="a crack", by_customer=True)
    awaited = ask(lines={"MUG": 1})
    return ask(lines={"MUG": 1}), approve_return(order_id=order.pk, return_id=awaited.pk)


def _waiting_shipment() -> Shipment:
    order_id = uuid7()
    destination = Destination(
        name="Alice Liddell", street="1 Rabbit Hole", city="Oxford", postal_code="OX1 1AA", country="GB"
    )
    remember_orders(orders=[PlacedOrder(order_id=order_id, number="ORD-7", destination=destination)])
    return Shipment.objects.get(order_id=order_id)


def _payable_order(shop: Shop) -> Order:
    """Order whose first means of payment was declined."""
    order = shop.place(pays_with="pm_card_visa_chargeDeclined", retry_payment=True)
    deliver_all()
    return order


def _booked_parcel() -> Shipment:
    parcel = _waiting_shipment()
    SimulatedLabel.objects.create(key=parcel.idempotency_key, status=SimulatedLabel.Status.BOOKED)
    return parcel


def make_endpoints() -> tuple[Endpoint, Endpoint, Delivery]:
    """An endpoint with a delivery that is done, and one that is paused."""
    values = {"url": "https://example.com/hooks", "event_types": ["*"], "contact": "ops@example.com"}
    paused, hook = create_endpoint(**values)[0], create_endpoint(**values)[0]
    pause_endpoint(endpoint_id=paused.pk, by="olga")
    delivery = Delivery.objects.create(
        endpoint=hook, event_id=uuid7(), type="orders.OrderCancelled.v1", aggregate_id=uuid7(), sequence=1,
        occurred_at=NOW, expires_at=NOW, state="delivered",
    )  # fmt: skip
    Attempt.objects.create(delivery=delivery, at=NOW, url=hook.url, headers={}, status=200, milliseconds=3)
    return hook, paused, delivery


def _make_the_rest(world: World) -> None:
    letter, order = world.letter, world.order
    add_tag(order_id=order.pk, name="tagged")
    Circuit.objects.create(consumer=letter.consumer, probe_at=NOW)
    Horizon.objects.get_or_create(what="inbox", defaults={"at": NOW})
    GatewayFault.objects.create(kind="outage", operation="refund")
    CarrierFault.objects.create(kind="outage", operation="track")
    EasyPostBooking.objects.create(key="ship:1")
    GroupResult.objects.create(group_id=str(uuid.uuid4()))
    TaskResult.objects.create(task_id=str(uuid.uuid4()))
    Group.objects.create(name="A group")
    FailedLogin.objects.create(key=uuid7(), failures=5, blocked_until=NOW, expires_at=NOW)
    UnconfirmedAddress.objects.create(
        user=world.alice, email="alice@example.net", is_in_use=True, reason="bounced"
    )
    Guest.objects.create(user=world.bob, email="bob@example.com")
    OperatorZone.objects.create(user=world.alice, zone="Europe/Berlin")
    RecoveryCode.objects.create(user=world.alice, digest="0" * 64)
    TOTPDevice.objects.create(user=world.alice, name="phone")
    AccountMail.objects.create(kind="confirm", email="alice@example.net")
    RequestCount.objects.create(key=uuid7(), number=5, expires_at=NOW)
    JournalEntry.objects.create(event_id=uuid7(), observation={})
    IdempotencyRecord.objects.create(
        digest="0" * 64, user_id=1, method="POST", path="/", fingerprint="", answer=b""
    )
    ProviderNotice.objects.create(
        provider="stripe", event_id="evt_1", kind="charge.refunded", about="ch_1", body=b""
    )
    Dispute.objects.create(
        payment=world.refund.payment,
        reference="dp_1",
        amount=1,
        currency="EUR",
        reason="fraudulent",
        status="needs_response",
        url="https://dashboard.stripe.com/test/disputes/dp_1",
    )
    AskedUntil.objects.create(provider="stripe", at=NOW)
    Resend.objects.create(notification=world.notification, sequence=1, by="olga", outcome="sent")
    Alert.objects.create(key="Refunds failed: ", text="Refunds failed: 1", alerted_at=NOW)
    seen = {"started_at": NOW, "seen_at": NOW, "in_hand": 0, "runs": 0, "runs_a_minute": 0}
    WorkerNode.objects.create(name="orders@a", host="a", pid=1, queues="orders", processes=1, **seen)
    Checkup.objects.create(by="dora", repairing=False, left=1, findings=[_finding(order)])
    Repair.objects.create(
        key="a", kind="lost", order_id=order.pk, wrong="was lost", done="was found", by="dora"
    )
    LostOrder.objects.create(order_id=uuid7(), decision="kept", found="5 held", by="dora", reason="sent")
    LogEntry.objects.create(user=world.staff, object_repr="something", action_flag=2)
    TrackingEvent.objects.create(shipment=world.shipment, status="pre_transit", time=NOW)
    if not ScheduledMessage.objects.exists():
        ScheduledMessage.objects.create(
            kind="reminder", app="orders", type="x", aggregate_id=order.pk, body="", due_at=NOW
        )
    LogRoot.objects.create(
        number=1, last_position=1, events=1, leaves="", root=b"", signed_at=NOW, public_key="", signature=b""
    )
    assert OutboxEntry.objects.exists()


def _finding(order: Order) -> dict[str, Any]:
    return {
        "kind": "stock",
        "about": "MUG",
        "order_id": None,
        "says": "differs",
        "state": "left",
        "outcome": "count it",
    }


@contextmanager
def writes() -> Iterator[list[str]]:
    """Collect the statements of the block that change rows."""
    found: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if _WRITES.search(sql):
            found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield found


@contextmanager
def undone() -> Iterator[None]:
    """Take back what the block changes. As a test's transaction it does not forbid to call providers."""
    block: Any = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


def call_api(user: User | None, method: str, path: str, data: Any = None) -> Any:
    """Call the REST API as a user, without the middleware, and return the response."""
    headers = {"Idempotency-Key": uuid.uuid4().hex} if method != "GET" else {}
    request = APIRequestFactory().generic(method, path, content_type="application/json", headers=headers)
    if isinstance(data, str):
        request = APIRequestFactory().generic(method, path, data, content_type="text/csv", headers=headers)
    elif data is not None:
        request = getattr(APIRequestFactory(), method.lower())(path, data, format="json", headers=headers)
    force_authenticate(request, user=user)
    match = resolve(path)
    return match.func(request, *match.args, **match.kwargs)


def visit(user: User | None, path: str, data: dict[str, Any] | None = None) -> HttpResponse:
    """Get a page, or post a form, as a user, without the middleware; refusals become responses."""
    factory = RequestFactory()
    request: Any = factory.get(path) if data is None else factory.post(path, data)
    request.user, request.session = user or AnonymousUser(), {}
    request._messages = CookieStorage(request)
    request._dont_enforce_csrf_checks = True
    match = resolve(request.path)
    try:
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except PermissionDenied:
        response = HttpResponse(status=403)
    except Http404:
        response = HttpResponse(status=404)
    return response


def is_refused(response: HttpResponse) -> bool:
    """Tell whether a visitor is refused, or sent to a login."""
    return response.status_code in {401, 403} or "/login/" in response.get("Location", "")


def registered(label: str) -> tuple[type[Model], admin.ModelAdmin[Any]]:
    model = apps.get_model(label)
    return model, admin.site.get_model_admin(model)
